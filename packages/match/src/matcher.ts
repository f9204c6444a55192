import { Heads, LONGEST_HEAD } from './heads.ts';
import { type Before, type LineBreaks, lineBreaksIn } from './line-breaks.ts';
import { columnOf, makeRows, type Rows } from './rows.ts';
import { SPELLING_KINDS } from './speller.ts';
import { addSpellings, type NamedValue } from './spellings.ts';
import { buildTrie, isBeginning, longestAt, type Trie, walk } from './trie.ts';
import { mergeTwins, type ValueOfMany } from './twins.ts';
import { eachCandidate, makeWordFilter, type WordFilter, wipeWordFilter } from './word-filter.ts';
import { knownFinder, lentMemory } from './word-finder.ts';

/**
 * Finds values in bytes; made once, used for any number of streams. It is plain data, can be sent to a
 * worker, and holds the values: see `wipeMatcher`.
 */
export interface Matcher {
  /** Nothing to look for. */
  readonly empty: boolean;
  /** Of each value its names: two secrets may have the same value. */
  readonly names: readonly (readonly string[])[];
  /** Of each pattern, which is the head of a spelling: what kind of spelling, a place in SPELLING_KINDS, */
  readonly kinds: Uint8Array;
  /** which value, */
  readonly owners: Int32Array;
  /** which others have a spelling with the same head, a row each, */
  readonly sharers: Rows;
  /** and how it may go on: of each way the fields of a `Longer`. */
  readonly longer: Rows;
  readonly trie: Trie;
  readonly filter: WordFilter;
  /** By a hash of four bytes: 1 if some pattern may begin so. */
  readonly beginnings: Uint8Array;
  /** Values with spellings that go on beyond their heads, one behind the other; the others are empty. */
  readonly values: Uint8Array;
  /** Where each ends. */
  readonly ends: Int32Array;
}

const BEGINNING_BITS = 15;
const MULTIPLIER = 0x9e3779b1 | 0;

/** Copies what it needs of the values. */
export function makeMatcher(values: readonly NamedValue[]): Matcher {
  const heads = new Heads();
  const merged = mergeTwins(values);
  for (let value = 0; value < merged.length; value += 1) {
    addSpellings(heads, (merged[value] as ValueOfMany).bytes, value);
  }
  const going = new Set([...heads.longer.values()].map(({ value }) => value));
  const { trie, firsts } = buildTrie(heads);
  const matcher = {
    empty: heads.count === 0,
    names: merged.map(({ names }) => names),
    kinds: Uint8Array.from(heads.kinds, (kind) => SPELLING_KINDS.indexOf(kind)),
    owners: heads.values.slice(0, heads.count),
    sharers: sharersOf(heads, firsts),
    longer: longerOf(heads, firsts),
    trie,
    filter: makeWordFilter(heads),
    beginnings: beginningsOf(heads),
    ...joined(merged.map(({ bytes }, value) => (going.has(value) ? bytes : bytes.subarray(0, 0)))),
  };
  heads.bytes.fill(0);
  return matcher;
}

/** Overwrites everything in it that comes from the values; it must not be used afterwards. */
export function wipeMatcher({ trie, filter, values }: Matcher): void {
  wipeWordFilter(filter);
  for (const each of [trie.bytes, values]) each.fill(0);
}

export function bytesOf({ values, ends }: Matcher, value: number): Uint8Array {
  return values.subarray(value === 0 ? 0 : ends[value - 1], ends[value]);
}

/** The values that have a spelling that is looked for. */
export function soughtValues({ owners, sharers }: Matcher): Set<number> {
  return new Set([...owners, ...columnOf(sharers, 1)]);
}

/** Memory in which texts are looked through without being copied. Undefined as long as little was, and where there is none left. */
export function memoryFor({ filter }: Matcher, bytes: number): Uint8Array<ArrayBuffer> | undefined {
  return lentMemory(filter, bytes);
}

/** As `lineBreaksIn`, for a text that the matcher has looked through. */
export function lineBreaksOf({ filter }: Matcher, text: Uint8Array, before: Before): LineBreaks {
  return lineBreaksIn(text, before, knownFinder(filter, text.length));
}

/** Tells every pattern that lies wholly in `text`, roughly in the order of the starts; of one start the shortest first. */
export function eachMatch(
  { filter, trie }: Matcher,
  text: Uint8Array,
  found: (start: number, end: number, pattern: number) => void,
): void {
  eachCandidate(filter, text, (start) => walk(trie, text, start, found));
}

/** The same, but of one start only the longest. */
export function eachLongest(
  { filter, trie }: Matcher,
  text: Uint8Array,
  found: (start: number, end: number, pattern: number) => void,
): void {
  eachCandidate(filter, text, (start) => {
    const node = longestAt(trie, text, start);
    if (node !== 0) found(start, start + (trie.depths[node] as number), trie.strings[node] as number);
  });
}

/** How many of the text's last bytes may be the beginning of a pattern that goes on beyond it: fewer than LONGEST_HEAD. */
export function pendingLength({ trie, beginnings }: Matcher, text: Uint8Array): number {
  const length = text.length;
  let start = Math.max(0, length - LONGEST_HEAD + 1);
  if (start + 4 <= length) {
    let word =
      ((text[start] as number) << 8) | ((text[start + 1] as number) << 16) | ((text[start + 2] as number) << 24);
    for (; start + 4 <= length; start += 1) {
      word = (word >>> 8) | ((text[start + 3] as number) << 24);
      if (beginnings[slotOf(word)] === 1 && isBeginning(trie, text, start)) return length - start;
    }
  }
  for (; start < length; start += 1) if (isBeginning(trie, text, start)) return length - start;
  return 0;
}

function longerOf({ longer }: Heads, firsts: Int32Array): Rows {
  const ways = [...longer].map(
    ([head, { value, from, to, speller }]) => [firsts[head] as number, value, from, to, speller] as const,
  );
  return makeRows(5, ways);
}

function sharersOf({ count, values }: Heads, firsts: Int32Array): Rows {
  const all = new Map<number, Set<number>>();
  for (let head = 0; head < count; head += 1) {
    const first = firsts[head] as number;
    const value = values[head] as number;
    if (value === values[first]) continue;
    const others = all.get(first) ?? new Set();
    all.set(first, others.add(value));
  }
  return makeRows(
    2,
    [...all].flatMap(([first, others]) => [...others].map((value) => [first, value] as const)),
  );
}

function joined(all: readonly Uint8Array[]): Pick<Matcher, 'values' | 'ends'> {
  const ends = new Int32Array(all.length);
  let used = 0;
  for (const [value, bytes] of all.entries()) {
    used += bytes.length;
    ends[value] = used;
  }
  const values = new Uint8Array(used);
  for (const [value, bytes] of all.entries()) values.set(bytes, (ends[value] as number) - bytes.length);
  return { values, ends };
}

function beginningsOf({ count, bytes, starts }: Heads): Uint8Array {
  const flags = new Uint8Array(1 << BEGINNING_BITS);
  for (let head = 0; head < count; head += 1) {
    const at = starts[head] as number;
    const [a, b, c, d] = [
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
    ];
    flags[slotOf(a | (b << 8) | (c << 16) | (d << 24))] = 1;
  }
  return flags;
}

/** Fibonacci hashing: the product's top bits hang on all bits of the word. */
function slotOf(word: number): number {
  return Math.imul(word, MULTIPLIER) >>> (32 - BEGINNING_BITS);
}
