import { LINK_BYTES, MAC_END, type Ratchet } from './chain.ts';
import { claimedSeq, hasTail, MAX_RECORD, storedMac, TAIL_BYTES } from './record.ts';
import type { Position } from './scan.ts';
import type { LogWindow } from './window.ts';

/** Key steps that a survey may take in all (some 20 s), so that invented sequence numbers can't keep it busy for ever. */
const MAX_STEPS = 20_000_000;

/**
 * How many records behind the first bad one still verify, each with the key of the sequence number
 * that it claims and the MAC stored before it (or the last good one, where something was inserted).
 * Only numbers that go up count. The damage at `at` itself is not counted. Moves the ratchet.
 */
export function countVerifying(window: LogWindow, at: Position, ratchet: Ratchet): number {
  const keys = new KeyLadder(ratchet, at.seq + 1);
  let goodMac = at.mac;
  let count = 0;
  let offset = at.offset;
  let first = true;
  while (offset < window.end) {
    const toEnd = window.load(offset);
    let index = LINK_BYTES;
    while (index < window.length && (toEnd || index + MAX_RECORD <= window.length)) {
      const end = window.bytes.indexOf(0x0a, index);
      if (end < 0 || end >= window.length) break;
      const seq = first || !hasTail(window.bytes, index, end) ? -1 : claimedSeq(window.bytes, index);
      first = false;
      if (seq > 0 && keys.moveTo(seq) && verifies(window.bytes, index, end, ratchet, goodMac)) {
        goodMac = storedMac(window.bytes, end);
        keys.commit();
        count += 1;
      }
      index = end + 1;
    }
    if (toEnd) break;
    // A line longer than the buffer is skipped piece by piece.
    offset += Math.max(index - LINK_BYTES, index === LINK_BYTES ? window.length - LINK_BYTES : 0);
  }
  return count;
}

function verifies(bytes: Buffer, index: number, end: number, ratchet: Ratchet, goodMac: string): boolean {
  const mac = storedMac(bytes, end);
  const bodyEnd = end + 1 - TAIL_BYTES;
  return (
    ratchet.mac(bytes, index - LINK_BYTES, bodyEnd) === mac ||
    ratchet.macAfter(goodMac + MAC_END, bytes, index, bodyEnd) === mac
  );
}

/** Goes to the key of any later record, and back to behind the last record that verified. */
class KeyLadder {
  readonly #ratchet: Ratchet;
  /** The key that a record behind the last good one may have at the least. */
  #base: Buffer;
  #baseSeq: number;
  /** Whose key the ratchet holds. */
  #seq: number;
  #steps = 0;

  constructor(ratchet: Ratchet, seq: number) {
    this.#ratchet = ratchet;
    this.#base = ratchet.key();
    this.#baseSeq = seq;
    this.#seq = seq;
  }

  /** @returns false if that key lies behind, or too far ahead */
  moveTo(seq: number): boolean {
    if (seq < this.#baseSeq) return false;
    const from = seq < this.#seq ? this.#baseSeq : this.#seq;
    if (this.#steps + seq - from > MAX_STEPS) return false;
    if (seq < this.#seq) this.#ratchet.load(this.#base);
    this.#steps += seq - from;
    for (let i = from; i < seq; i++) this.#ratchet.advance();
    this.#seq = seq;
    return true;
  }

  /** The record of the present key is good: only later ones count from here on. */
  commit(): void {
    this.#ratchet.advance();
    this.#steps += 1;
    this.#seq += 1;
    this.#baseSeq = this.#seq;
    this.#base.fill(0);
    this.#base = this.#ratchet.key();
  }
}
