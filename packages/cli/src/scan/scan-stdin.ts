import { readSync } from 'node:fs';
import { scanContent } from './content.ts';
import { makePlaceFinder } from './place.ts';
import type { Tally } from './tally.ts';

const PIECE_BYTES = 1024 * 1024;
/** So much is kept, to tell the line of what is found in it. */
const KEPT_PIECES = 16;

/** @throws Error of node:fs where it can't be read to its end */
export function scanStdin(tally: Tally): void {
  const content = scanContent(tally.finder);
  const kept: Buffer[] = [];
  let buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (;;) {
    const piece = readInto(buffer);
    if (piece.length === 0) break;
    content.feed(piece);
    tally.bytes += piece.length;
    if (kept.length === KEPT_PIECES) continue;
    kept.push(piece);
    buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  }
  const report = content.end();
  const open = report.findings.filter(({ inside }) => inside === undefined);
  const finder = makePlaceFinder(open.map(({ offset }) => offset));
  for (const piece of kept) finder.feed(piece);
  const findings = report.findings.map((finding) =>
    finding.inside === undefined ? { ...finding, ...finder.places.get(finding.offset) } : finding,
  );
  tally.content(undefined, 'stdin', { ...report, findings });
}

/** Full, but for the last one. */
function readInto(buffer: Buffer): Buffer {
  let filled = 0;
  while (filled < PIECE_BYTES) {
    const read = readSome(buffer, filled);
    if (read === 0) break;
    filled += read;
  }
  return buffer.subarray(0, filled);
}

function readSome(piece: Buffer, from: number): number {
  for (;;) {
    try {
      return readSync(0, piece, from, PIECE_BYTES - from, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
