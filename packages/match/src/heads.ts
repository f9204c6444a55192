import type { SpellingKind } from './speller.ts';

/** Of a longer spelling this much is looked for; the rest is then followed byte by byte. */
export const LONGEST_HEAD = 256;

/** How a spelling goes on that is longer than its head: which part of which value it spells, and how. */
export interface Longer {
  /** Index of the value. */
  readonly value: number;
  readonly from: number;
  readonly to: number;
  readonly speller: number;
}

/**
 * What is looked for: the spellings of all values, or their first LONGEST_HEAD bytes. Together in few
 * arrays, because a thousand values have 25,000 of them.
 */
export class Heads {
  bytes = new Uint8Array(4096);
  starts = new Int32Array(64);
  lengths = new Int32Array(64);
  /** Index of the value. */
  values = new Int32Array(64);
  readonly kinds: SpellingKind[] = [];
  /** By the index of the head. */
  readonly longer = new Map<number, Longer>();
  used = 0;

  get count(): number {
    return this.kinds.length;
  }

  /** At least so many bytes are free from `used` on. */
  reserve(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.used + bytes));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes.fill(0);
    this.bytes = grown;
  }

  /** Takes what was written at `used`, up to `end`, unless one since `since` is the same and neither goes on. */
  take(end: number, value: number, kind: SpellingKind, since: number, longer?: Longer): void {
    const length = Math.min(end - this.used, LONGEST_HEAD);
    if (length === 0 || (longer === undefined && this.#hasSame(length, since))) return;
    const index = this.kinds.push(kind) - 1;
    if (index === this.starts.length) this.#grow();
    this.starts[index] = this.used;
    this.lengths[index] = length;
    this.values[index] = value;
    if (longer !== undefined) this.longer.set(index, longer);
    this.used += length;
  }

  #hasSame(length: number, since: number): boolean {
    const { bytes, starts, lengths, used } = this;
    for (let index = since; index < this.kinds.length; index += 1) {
      if (lengths[index] !== length) continue;
      const start = starts[index] as number;
      let at = length - 1;
      while (at >= 0 && bytes[start + at] === bytes[used + at]) at -= 1;
      if (at < 0) return true;
    }
    return false;
  }

  #grow(): void {
    this.starts = grown(this.starts);
    this.lengths = grown(this.lengths);
    this.values = grown(this.values);
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * array.length);
  twice.set(array);
  return twice;
}
