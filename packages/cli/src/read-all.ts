import { closeSync, fstatSync, readSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import type { Inherited } from '@hasp/process-tree';

/** A value is at most this long (bytes). */
export const MAX_VALUE_BYTES = 1024 * 1024;

/**
 * Reads a descriptor to its end, then closes it unless it is one of the standard three.
 * @throws HaspError E_USAGE where it is longer than `limit` or can't be read.
 */
export function readDescriptor(descriptor: number, limit: number, what: string): Buffer {
  const held = Buffer.alloc(limit + 1);
  let length = 0;
  try {
    fstatSync(descriptor);
    while (length <= limit) {
      const read = readSome(descriptor, held, length);
      if (read === 0) break;
      length += read;
    }
  } catch {
    throw unreadable(what, descriptor);
  }
  if (descriptor > 2) closeSync(descriptor);
  if (length > limit) {
    held.fill(0);
    throw new HaspError(
      'E_USAGE',
      `${what} is longer than ${limit} bytes`,
      'keep large data in a file and its key in the vault',
    );
  }
  const exact = Buffer.from(held.subarray(0, length));
  held.fill(0, 0, length);
  return exact;
}

/** Of those that hasp itself has opened none is meant. @throws HaspError E_USAGE for one that was not open when hasp was started */
export function requireGiven(descriptor: unknown, { openAtStart }: Inherited): void {
  if (typeof descriptor !== 'number' || openAtStart === undefined || openAtStart.includes(descriptor)) return;
  throw unreadable('the passphrase', descriptor);
}

function unreadable(what: string, descriptor: number): HaspError {
  return new HaspError(
    'E_USAGE',
    `${what} could not be read from descriptor ${descriptor}`,
    `for example: ${descriptor}< file`,
  );
}

function readSome(descriptor: number, held: Buffer, offset: number): number {
  for (;;) {
    try {
      return readSync(descriptor, held, offset, held.length - offset, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Without the newline that a shell's echo or an editor put behind a single line. */
export function withoutFinalNewline(bytes: Buffer): Buffer {
  return bytes.indexOf(0x0a) === bytes.length - 1 && bytes.length > 0 ? bytes.subarray(0, -1) : bytes;
}
