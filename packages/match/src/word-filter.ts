import { COMMONNESS } from './commonness.ts';
import type { Strings } from './trie.ts';
import { finderFor, type WordFinder, wipeFinder } from './word-finder.ts';

/**
 * Finds the places of a text where one of many strings may begin, looking at one word of four bytes in
 * each `stride`. A string of `stride` + 3 or more bytes wholly contains the word at an address divisible
 * by `stride`, wherever the string lies and within whichever window of that length in it. So of each
 * string only the `stride` words of one window are known, the window whose words are least common.
 */
export interface WordFilter {
  /** 4, 8 or 16: the more, the faster. */
  readonly stride: number;
  /**
   * Of each word two bits in one of these are 0, and all others are 1: Putze, Sanders and Singler's blocked Bloom filter
   * (WEA 2007), every bit turned over, as a `WordFinder` needs it.
   */
  readonly bloom: Int32Array;
  /** By a hash of a word: where those of that hash begin in the next two. */
  readonly buckets: Int32Array;
  readonly words: Int32Array;
  /** How far each is from the beginning of a string. */
  readonly distances: Uint8Array;
}

interface PlacedWords {
  readonly words: Int32Array;
  readonly distances: Uint8Array;
}

const WORD = 4;
export const MULTIPLIER = 0x9e3779b1 | 0;
/** A longer stride means more words to know; with more than this many the tables leave the cache. */
const MOST_WORDS = 300_000;
/** Where in a string its window may begin. */
const WINDOWS = 24;
const BLOOM_BITS = 16;
const LEAST_BITS = 8;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** No string may have fewer than seven bytes. */
export function makeWordFilter(strings: Strings): WordFilter {
  const stride = strideFor(strings);
  const placed = placedWords(strings, stride);
  const filter = { stride, bloom: bloomOf(placed.words, strings.count * stride), ...inBuckets(placed) };
  placed.words.fill(0);
  return filter;
}

/** Each word with each of its distances once: many strings begin alike. */
function placedWords(strings: Strings, stride: number): PlacedWords {
  const most = strings.count * stride;
  const words = new Int32Array(most);
  const distances = new Uint8Array(most);
  /** Open addressing: of each its index, counted from 1. */
  const known = new Int32Array(2 ** bitsFor(2 * most));
  const shift = Math.clz32(known.length) + 1;
  let count = 0;
  for (let index = 0; index < strings.count; index += 1) {
    const start = strings.starts[index] as number;
    const window = leastCommonWindow(strings.bytes, start, strings.lengths[index] as number, stride);
    for (let distance = window; distance < window + stride; distance += 1) {
      const word = wordAt(strings.bytes, start + distance);
      let slot = Math.imul(word + distance, MULTIPLIER) >>> shift;
      let one = (known[slot] as number) - 1;
      while (one >= 0 && (words[one] !== word || distances[one] !== distance)) {
        slot = (slot + 1) & (known.length - 1);
        one = (known[slot] as number) - 1;
      }
      if (one >= 0) continue;
      words[count] = word;
      distances[count] = distance;
      count += 1;
      known[slot] = count;
    }
  }
  return { words: words.subarray(0, count), distances: distances.subarray(0, count) };
}

function bloomOf(words: Int32Array, most: number): Int32Array {
  const bloom = new Int32Array(2 ** Math.min(BLOOM_BITS, bitsFor(2 * most))).fill(-1);
  const shift = Math.clz32(bloom.length) + 1;
  for (let index = 0; index < words.length; index += 1) {
    const hash = Math.imul(words[index] as number, MULTIPLIER);
    const block = hash >>> shift;
    bloom[block] = (bloom[block] as number) & ~((1 << (hash >>> 12)) | (1 << (hash >>> 7)));
  }
  return bloom;
}

/** Sorts them by their hash. */
function inBuckets({ words, distances }: PlacedWords): Pick<WordFilter, 'buckets' | 'words' | 'distances'> {
  const bits = bitsFor(words.length);
  const buckets = new Int32Array(2 ** bits + 1);
  const sorted = { buckets, words: new Int32Array(words.length), distances: new Uint8Array(words.length) };
  const bucketOf = (index: number): number => Math.imul(words[index] as number, MULTIPLIER) >>> (32 - bits);
  for (let index = 0; index < words.length; index += 1) (buckets[bucketOf(index)] as number) += 1;
  for (let bucket = 1; bucket < buckets.length; bucket += 1) {
    buckets[bucket] = (buckets[bucket] as number) + (buckets[bucket - 1] as number);
  }
  // Filled from its end, so that what was its end becomes its beginning.
  for (let index = words.length - 1; index >= 0; index -= 1) {
    const bucket = bucketOf(index);
    const place = (buckets[bucket] as number) - 1;
    buckets[bucket] = place;
    sorted.words[place] = words[index] as number;
    sorted.distances[place] = distances[index] as number;
  }
  return sorted;
}

function bitsFor(count: number): number {
  return Math.max(LEAST_BITS, Math.ceil(Math.log2(count + 1)));
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
  const finder = finderFor(table, text.length, MULTIPLIER);
  if (finder === undefined) eachCandidateByScript(table, text, candidate);
  else eachCandidateByFinder(table, finder, text, candidate);
}

export function eachCandidateByFinder(
  table: WordFilter,
  finder: WordFinder,
  text: Uint8Array,
  candidate: (start: number) => void,
): void {
  finder.each(text, (words, from, to, textAt) => look(table, words, from, to, -textAt, candidate));
}

/** Overwrites what comes from the strings. */
export function wipeWordFilter(table: WordFilter): void {
  wipeFinder(table);
  table.words.fill(0);
  table.bloom.fill(0);
}

/** The same without WebAssembly. */
export function eachCandidateByScript(table: WordFilter, text: Uint8Array, candidate: (start: number) => void): void {
  const { stride, bloom } = table;
  const first = (stride - (text.byteOffset % stride)) % stride;
  if (text.length < first + WORD) return;
  const count = (text.length - first) >> 2;
  const words = new Int32Array(text.buffer, text.byteOffset + first, count);
  const step = stride >> 2;
  const shift = Math.clz32(bloom.length) + 1;
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
    const unknown =
      ((bits0 >>> (hash0 >>> 12)) | (bits0 >>> (hash0 >>> 7))) &
      ((bits1 >>> (hash1 >>> 12)) | (bits1 >>> (hash1 >>> 7))) &
      ((bits2 >>> (hash2 >>> 12)) | (bits2 >>> (hash2 >>> 7))) &
      ((bits3 >>> (hash3 >>> 12)) | (bits3 >>> (hash3 >>> 7)));
    if ((unknown & 1) === 0) look(table, words, index, index + 4 * step, first, candidate);
  }
  look(table, words, index, count, first, candidate);
}

/** Looks up each word in [from, to) that the Bloom filter lets through. */
function look(
  { stride, bloom, buckets, words: known, distances }: WordFilter,
  words: Int32Array,
  from: number,
  to: number,
  first: number,
  candidate: (start: number) => void,
): void {
  const bucketShift = Math.clz32(buckets.length - 1) + 1;
  const shift = Math.clz32(bloom.length) + 1;
  for (let index = from; index < to; index += stride >> 2) {
    const word = words[index] as number;
    const hash = Math.imul(word, MULTIPLIER);
    const bits = bloom[hash >>> shift] as number;
    if ((((bits >>> (hash >>> 12)) | (bits >>> (hash >>> 7))) & 1) !== 0) continue;
    const bucket = hash >>> bucketShift;
    const end = buckets[bucket + 1] as number;
    for (let place = buckets[bucket] as number; place < end; place += 1) {
      if (known[place] !== word) continue;
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
