import { readSync } from 'node:fs';
import { HaspError } from '@hasp/core';

const PIECE = 64 * 1024;

/** All that git writes to a hook's stdin. @throws HaspError E_USAGE */
export function readRefs(): string {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.allocUnsafe(PIECE);
    const read = readSome(piece);
    if (read === 0) return Buffer.concat(pieces).toString('utf8');
    pieces.push(piece.subarray(0, read));
  }
}

function readSome(piece: Buffer): number {
  for (;;) {
    try {
      return readSync(0, piece);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      if (code !== 'EAGAIN')
        throw new HaspError('E_USAGE', `stdin could not be read (${code}), so nothing was checked`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
