import { readSync } from 'node:fs';
import { scanContent } from './content.ts';
import { makePlaceFinder } from './place.ts';
import type { Tally } from './tally.ts';

const PIECE_BYTES = 1024 * 1024;
/** So much is kept, to tell the line of what is found in it. */
const KEPT_PIECES = 64;

/** @throws Error of node:fs where it can't be read to its end */
export function scanStdin(tally: Tally): void {
  const content = scanContent(tally.matcher);
  const kept: Buffer[] = [];
  for (;;) {
    const piece = readPiece();
    if (piece.length === 0) break;
    content.feed(piece);
    tally.bytes += piece.length;
    if (kept.length < KEPT_PIECES) kept.push(piece);
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
function readPiece(): Buffer {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let filled = 0;
  while (filled < PIECE_BYTES) {
    const read = readSome(piece, filled);
    if (read === 0) break;
    filled += read;
  }
  return piece.subarray(0, filled);
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
