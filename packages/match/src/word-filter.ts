import { COMMONNESS } from './commonness.ts';
import type { Strings } from './trie.ts';

/**
 * Finds the places of a text where one of many strings may begin, looking at one word of four bytes in
 * each `stride`. A string of `stride` + 3 or more bytes wholly contains the word at an address divisible
 * by `stride`, wherever the string lies and within whichever window of that length in it. So of each
 * string only the `stride` words of one window are known, the window whose words are least common.
 */
export interface WordFilter {
  /** 4, 8 or 16: the more, the faster. */
  readonly stride: number;
  /** Of each word two bits in one of these (Putze, Sanders and Singler's blocked Bloom filter, WEA 2007). */
  readonly bloom: Int32Array;
  /** Open addressing: the words, */
  readonly words: Int32Array;
  /** and of each its first place in a string, 0 for an empty slot. */
  readonly places: Int32Array;
  /** Of each place: how far it is from the string's beginning, and which one comes next, 0 for none. */
  readonly distances: Int32Array;
  readonly next: Int32Array;
}

const WORD = 4;
const MULTIPLIER = 0x9e3779b1 | 0;
/** A longer stride means more words to know; with more than this many the tables leave the cache. */
const MOST_WORDS = 300_000;
/** Where in a string its window may begin. */
const WINDOWS = 24;
const BLOOM_BITS = 16;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** No string may have fewer than seven bytes. */
export function makeWordFilter(strings: Strings): WordFilter {
  const stride = strideFor(strings);
  const most = strings.count * stride;
  const slots = 2 ** Math.ceil(Math.log2(2 * most + 2));
  const slotShift = 32 - Math.log2(slots);
  const words = new Int32Array(slots);
  const places = new Int32Array(slots);
  const distances = new Int32Array(most + 1);
  const next = new Int32Array(most + 1);
  const bloom = new Int32Array(2 ** Math.min(BLOOM_BITS, Math.max(8, Math.ceil(Math.log2(2 * most + 1)))));
  const shift = 32 - Math.log2(bloom.length);
  let entries = 0;
  for (let index = 0; index < strings.count; index += 1) {
    const start = strings.starts[index] as number;
    const window = leastCommonWindow(strings.bytes, start, strings.lengths[index] as number, stride);
    for (let distance = window; distance < window + stride; distance += 1) {
      const word = wordAt(strings.bytes, start + distance);
      const hash = Math.imul(word, MULTIPLIER);
      const block = hash >>> shift;
      bloom[block] = (bloom[block] as number) | (1 << (hash >>> 12)) | (1 << (hash >>> 7));
      let slot = hash >>> slotShift;
      while (places[slot] !== 0 && words[slot] !== word) slot = (slot + 1) & (slots - 1);
      let entry = places[slot] as number;
      while (entry !== 0 && distances[entry] !== distance) entry = next[entry] as number;
      if (entry !== 0) continue;
      entries += 1;
      distances[entries] = distance;
      next[entries] = places[slot] as number;
      words[slot] = word;
      places[slot] = entries;
    }
  }
  return { stride, bloom, words, places, distances, next };
}

function strideFor({ count, lengths }: Strings): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index += 1) shortest = Math.min(shortest, lengths[index] as number);
  return [16, 8].find((stride) => stride + WORD - 1 <= shortest && stride * count <= MOST_WORDS) ?? WORD;
}

/**
 * Tells `candidate` the places in [0, text.length) where a string may begin that lies wholly in `text`;
 * none is left out, one may be told twice.
 */
export function eachCandidate(table: WordFilter, text: Uint8Array, candidate: (start: number) => void): void {
  const { stride, bloom } = table;
  const first = (stride - (text.byteOffset % stride)) % stride;
  if (text.length < first + WORD) return;
  const count = (text.length - first) >> 2;
  const words = new Int32Array(text.buffer, text.byteOffset + first, count);
  const step = stride >> 2;
  const shift = 32 - Math.log2(bloom.length);
  let index = 0;
  // Four words with one branch: a branch a word costs as much again.
  for (const end = count - 3 * step; index < end; index += 4 * step) {
    const hash0 = Math.imul(words[index] as number, MULTIPLIER);
    const hash1 = Math.imul(words[index + step] as number, MULTIPLIER);
    const hash2 = Math.imul(words[index + 2 * step] as number, MULTIPLIER);
    const hash3 = Math.imul(words[index + 3 * step] as number, MULTIPLIER);
    const bits0 = bloom[hash0 >>> shift] as number;
    const bits1 = bloom[hash1 >>> shift] as number;
    const bits2 = bloom[hash2 >>> shift] as number;
    const bits3 = bloom[hash3 >>> shift] as number;
    const known =
      ((bits0 >>> (hash0 >>> 12)) & (bits0 >>> (hash0 >>> 7))) |
      ((bits1 >>> (hash1 >>> 12)) & (bits1 >>> (hash1 >>> 7))) |
      ((bits2 >>> (hash2 >>> 12)) & (bits2 >>> (hash2 >>> 7))) |
      ((bits3 >>> (hash3 >>> 12)) & (bits3 >>> (hash3 >>> 7)));
    if ((known & 1) !== 0) look(table, words, index, index + 4 * step, first, candidate);
  }
  look(table, words, index, count, first, candidate);
}

/** Looks up each word in [from, to) that the Bloom filter lets through. */
function look(
  { stride, bloom, words: known, places, distances, next }: WordFilter,
  words: Int32Array,
  from: number,
  to: number,
  first: number,
  candidate: (start: number) => void,
): void {
  const mask = known.length - 1;
  const slotShift = 32 - Math.log2(known.length);
  const shift = 32 - Math.log2(bloom.length);
  for (let index = from; index < to; index += stride >> 2) {
    const word = words[index] as number;
    const hash = Math.imul(word, MULTIPLIER);
    const bits = bloom[hash >>> shift] as number;
    if (((bits >>> (hash >>> 12)) & (bits >>> (hash >>> 7)) & 1) === 0) continue;
    let slot = hash >>> slotShift;
    while (places[slot] !== 0 && known[slot] !== word) slot = (slot + 1) & mask;
    for (let place = places[slot] as number; place !== 0; place = next[place] as number) {
      const start = first + index * WORD - (distances[place] as number);
      if (start >= 0) candidate(start);
    }
  }
}

/** Where the window begins whose bytes are least common together. */
function leastCommonWindow(bytes: Uint8Array, start: number, length: number, stride: number): number {
  const size = stride + WORD - 1;
  const windows = Math.min(WINDOWS, length - size + 1);
  let sum = 0;
  for (let at = start; at < start + size; at += 1) sum += COMMONNESS[bytes[at] as number] as number;
  let least = sum;
  let best = 0;
  for (let window = 1; window < windows; window += 1) {
    const at = start + window;
    sum += (COMMONNESS[bytes[at + size - 1] as number] as number) - (COMMONNESS[bytes[at - 1] as number] as number);
    if (sum < least) {
      least = sum;
      best = window;
    }
  }
  return best;
}

/** As the machine reads it. */
function wordAt(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number];
  return IS_LITTLE_ENDIAN ? a | (b << 8) | (c << 16) | (d << 24) : d | (c << 8) | (b << 16) | (a << 24);
}
