import { GENESIS_MAC, LINK_BYTES, type Ratchet } from './chain.ts';
import { findFence } from './fence.ts';
import { claimedSeq, hasTail, isRecovered, MAX_RECORD, storedMac, TAIL_BYTES } from './record.ts';
import type { LogWindow } from './window.ts';

/** How far the chain is verified. */
export interface Position {
  /** Of the last verified record; 0 before the first. */
  seq: number;
  mac: string;
  /** Where the next record must start. */
  offset: number;
  /** Lines before that. */
  line: number;
  /** Where the last verified record starts; -1 before the first. */
  lastOffset: number;
  /** Stretches of foreign bytes that a record has fenced. */
  fenced: number;
}

/** Before the first record. */
export function beginning(): Position {
  return { seq: 0, mac: GENESIS_MAC, offset: 0, line: 0, lastOffset: -1, fenced: 0 };
}

export type Stop =
  /** Everything up to the end of the window verifies. */
  | 'end'
  /** The record asked for is the last verified. */
  | 'reached'
  /** At the position stands no record that goes on with the chain, and nothing behind it fences that off. */
  | 'foreign'
  /** Foreign bytes, and a genuine audit.recovered for them that says other bytes. */
  | 'fence-mismatch';

/**
 * The one loop that decides what belongs to the log, for verify and for the appender that catches up
 * behind a stale seal. Moves `at` (and the ratchet, which holds the key of record at.seq + 1) over
 * every record that verifies, and over foreign bytes together with the record that fences them.
 */
export function scan(window: LogWindow, at: Position, ratchet: Ratchet, untilSeq = Number.MAX_SAFE_INTEGER): Stop {
  for (;;) {
    scanRecords(window, at, ratchet, untilSeq);
    if (at.seq >= untilSeq) return 'reached';
    if (at.offset >= window.end) return 'end';
    const fence = findFence(window, at, ratchet);
    if (fence === undefined) return 'foreign';
    if (fence === 'mismatch') return 'fence-mismatch';
    at.seq += 1;
    at.mac = fence.mac;
    at.line += fence.lines;
    at.lastOffset = fence.offset;
    at.offset = fence.end;
    at.fenced += 1;
    ratchet.advance();
  }
}

/** Records that stand one behind the other. Stops where the next line does not verify. */
function scanRecords(window: LogWindow, at: Position, ratchet: Ratchet, untilSeq: number): void {
  const { bytes } = window;
  let toEnd = window.load(at.offset);
  let index = LINK_BYTES;
  let digits = String(at.seq + 1).length;
  let rollover = 10 ** digits;
  while (at.seq < untilSeq) {
    if (!toEnd && index + MAX_RECORD > window.length) {
      toEnd = window.load(at.offset);
      index = LINK_BYTES;
    }
    const end = window.lineEnd(index);
    if (end < 0 || claimedSeq(bytes, index) !== at.seq + 1 || !hasTail(bytes, index, end)) return;
    const mac = storedMac(bytes, end);
    if (ratchet.mac(bytes, index - LINK_BYTES, end + 1 - TAIL_BYTES) !== mac) return;
    if (isRecovered(bytes, index, digits)) return;
    at.lastOffset = at.offset;
    at.offset += end + 1 - index;
    at.line += 1;
    at.seq += 1;
    at.mac = mac;
    index = end + 1;
    ratchet.advance();
    if (at.seq + 1 === rollover) {
      digits += 1;
      rollover *= 10;
    }
  }
}
