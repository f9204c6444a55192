import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';
import { createSynced, syncFolderOf } from './synced-file.ts';

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
    createSynced(file, bytes, 0o600);
    syncFolderOf(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError('E_STORAGE', `the key file ${file} could not be written (${code})`, 'choose another place');
  }
}
