import { closeSync, fchmodSync, fsyncSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';

export const KEY_BYTES = 32;

/** A new key in a new file, on disk. @throws HaspError E_STORAGE where the file is there, or can't be made */
export function makeKeyFile(file: string, random: Context['random']): Buffer {
  const bytes = Buffer.from(random(KEY_BYTES));
  writeKeyFile(file, bytes);
  return bytes;
}

/** @throws HaspError E_STORAGE where the file is there, or can't be made */
export function writeKeyFile(file: string, bytes: Uint8Array): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    try {
      // The umask can take bits away from the mode given to open.
      fchmodSync(descriptor, 0o600);
      writeSync(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    syncFolder(path.dirname(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError('E_STORAGE', `the key file ${file} could not be written (${code})`, 'choose another place');
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
