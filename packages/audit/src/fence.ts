import { createHash } from 'node:crypto';
import { LINK_BYTES, MAC_END, type Ratchet } from './chain.ts';
import { hasTail, RECOVERED, storedMac, TAIL_BYTES, typeAt } from './record.ts';
import type { Position } from './scan.ts';
import type { LogWindow } from './window.ts';

export interface Fence {
  /** Where the fencing record starts, and where the next one must. */
  readonly offset: number;
  readonly end: number;
  readonly mac: string;
  /** Lines from the start of the foreign bytes to the end of the fencing record. */
  readonly lines: number;
}

const NEWLINE = 0x0a;

/**
 * The genuine audit.recovered for the foreign bytes at the position: it carries the next sequence
 * number, starts a line behind them, names their offset, verifies as if they were not there, and its
 * length and SHA-256 are theirs. 'mismatch' if all but the last holds; undefined if there is none.
 */
export function findFence(window: LogWindow, at: Position, ratchet: Ratchet): Fence | 'mismatch' | undefined {
  const prefix = typeAt(at.seq + 1);
  const needle = `"type":"${RECOVERED}","offset":${at.offset},"bytes":`;
  const typeOffset = prefix - '"type":"'.length;
  for (let found = seek(window, needle, at.offset); found >= 0; found = seek(window, needle, found + 1)) {
    const start = found - typeOffset;
    if (start <= at.offset) continue;
    const fence = checkFence(window, at, ratchet, start);
    if (fence) return fence;
  }
  return undefined;
}

function checkFence(window: LogWindow, at: Position, ratchet: Ratchet, start: number): Fence | 'mismatch' | undefined {
  window.load(start);
  const { bytes } = window;
  const end = window.lineEnd(LINK_BYTES);
  if (end < 0 || bytes[LINK_BYTES - 1] !== NEWLINE || !hasTail(bytes, LINK_BYTES, end)) return undefined;
  const mac = storedMac(bytes, end);
  const bodyEnd = end + 1 - TAIL_BYTES;
  if (ratchet.macAfter(at.mac + MAC_END, bytes, LINK_BYTES, bodyEnd) !== mac) return undefined;
  const record = JSON.parse(bytes.toString('utf8', LINK_BYTES, end)) as {
    seq?: unknown;
    bytes?: unknown;
    sha256?: unknown;
  };
  const length = end + 1 - LINK_BYTES;
  const foreign = measure(window, at.offset, start);
  if (record.seq !== at.seq + 1 || record.bytes !== start - at.offset || record.sha256 !== foreign.sha256)
    return 'mismatch';
  return { offset: start, end: start + length, mac, lines: foreign.lines + 1 };
}

/** SHA-256 and newlines of the file's bytes [from, to). */
export function measure(window: LogWindow, from: number, to: number): { sha256: string; lines: number } {
  const sha256 = createHash('sha256');
  let lines = 0;
  for (let offset = from; offset < to; ) {
    window.load(offset);
    const part = window.bytes.subarray(LINK_BYTES, Math.min(window.length, LINK_BYTES + to - offset));
    if (part.length === 0) break;
    sha256.update(part);
    for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, at + 1)) lines += 1;
    offset += part.length;
  }
  return { sha256: sha256.digest('hex'), lines };
}

/** File offset of the first `needle` at or behind `from`, or -1. */
function seek(window: LogWindow, needle: string, from: number): number {
  for (let offset = from; offset < window.end; ) {
    const toEnd = window.load(offset);
    const found = window.bytes.indexOf(needle, LINK_BYTES, 'latin1');
    if (found >= 0 && found + needle.length <= window.length) return offset + found - LINK_BYTES;
    if (toEnd) return -1;
    offset += window.length - LINK_BYTES - needle.length;
  }
  return -1;
}
