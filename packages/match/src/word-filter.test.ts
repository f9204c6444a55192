import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Heads } from './heads.ts';
import {
  eachCandidate,
  eachCandidateByFinder,
  eachCandidateByScript,
  MULTIPLIER,
  makeWordFilter,
  type WordFilter,
  wipeWordFilter,
} from './word-filter.ts';
import { finderFor, WordFinder } from './word-finder.ts';

const BLOCK = 65_536;

function filterOf(strings: readonly Uint8Array[]): WordFilter {
  const heads = new Heads();
  for (const string of strings) {
    heads.reserve(string.length);
    heads.bytes.set(string, heads.used);
    heads.take(heads.used + string.length, 0, 'raw', heads.count);
  }
  return makeWordFilter(heads);
}

type Way = (text: Uint8Array, candidate: (start: number) => void) => void;
function told(way: Way, text: Uint8Array): number[] {
  const places = new Set<number>();
  way(text, (start) => places.add(start));
  return [...places].sort((a, b) => a - b);
}

/** Sizes around those of a block, and of what is looked at with one branch. */
const length = fc.oneof(
  fc.nat(300),
  fc.tuple(fc.constantFrom(BLOCK, 2 * BLOCK), fc.integer({ min: -70, max: 70 })).map(([blocks, more]) => blocks + more),
);
const strings = fc
  .constantFrom(7, 11, 19)
  .chain((least) =>
    fc.array(fc.uint8Array({ minLength: least, maxLength: least + 30 }), { minLength: 1, maxLength: 40 }),
  );
const cases = fc.record({
  strings,
  length,
  /** Few different bytes are full of candidates. */
  letters: fc.constantFrom(2, 256),
  seed: fc.integer(),
  places: fc.array(fc.nat(3 * BLOCK), { maxLength: 12 }),
  offset: fc.nat(20),
});

function textOf({
  strings,
  length,
  letters,
  seed,
  places,
  offset,
}: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const text = new Uint8Array(offset + length).subarray(offset);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    text[at] = (state >>> 16) % letters;
  }
  for (const [at, place] of places.entries()) {
    const string = strings[at % strings.length] as Uint8Array;
    // Around the ends of the blocks most of all.
    const start = at % 2 === 0 ? place : BLOCK * (place % 3) - (place % 40);
    if (start >= 0 && start + string.length <= length) text.set(string, start);
  }
  return text;
}

function standsAt(strings: readonly Uint8Array[], text: Uint8Array): number[] {
  const places = new Set<number>();
  const whole = Buffer.from(text);
  for (const string of strings) {
    for (let at = whole.indexOf(string); at >= 0; at = whole.indexOf(string, at + 1)) places.add(at);
  }
  return [...places];
}

it('WebAssembly and script tell the same candidates, and every place where a string stands is one', () => {
  fc.assert(
    fc.property(cases, (some) => {
      const filter = filterOf(some.strings);
      const finder = new WordFinder(filter, MULTIPLIER);
      const text = textOf(some);
      const found = told((where, tell) => eachCandidateByFinder(filter, finder, where, tell), text);
      // From the same grid on: script counts from an address that the stride divides.
      expect(found).toEqual(told((where, tell) => eachCandidateByScript(filter, where, tell), Uint8Array.from(text)));
      const scripted = told((where, tell) => eachCandidateByScript(filter, where, tell), text);
      for (const place of standsAt(some.strings, text)) {
        expect(found).toContain(place);
        expect(scripted).toContain(place);
      }
    }),
    { numRuns: 300 },
  );
});

it('a long text is looked through by WebAssembly, a short one is not, and both are where a stream changes over', () => {
  const string = Uint8Array.from('correct-horse-battery', (letter) => letter.charCodeAt(0));
  const filter = filterOf([string]);
  expect(finderFor(filter, 511, MULTIPLIER)).toBeUndefined();
  for (let at = 0; at < 100; at += 1) {
    const text = new Uint8Array(10_000);
    text.set(string, at * 90);
    expect(told((where, tell) => eachCandidate(filter, where, tell), text)).toEqual([at * 90]);
  }
  expect(finderFor(filter, 512, MULTIPLIER)).toBeInstanceOf(WordFinder);
});

it('a filter that was wiped has nothing of the strings, nor of what was looked through', () => {
  const filter = filterOf([Uint8Array.from('correct-horse-battery', (letter) => letter.charCodeAt(0))]);
  eachCandidate(filter, new Uint8Array(300_000).fill(1), () => {});
  const finder = finderFor(filter, 512, MULTIPLIER) as WordFinder;
  expect(finder.memory.some((byte) => byte === 1)).toBe(true);
  wipeWordFilter(filter);
  expect(finder.memory.every((byte) => byte === 0)).toBe(true);
  expect(filter.words.every((word) => word === 0)).toBe(true);
});

it('where there is no WebAssembly, script does it all', () => {
  const { WebAssembly } = globalThis as { WebAssembly?: unknown };
  try {
    Reflect.deleteProperty(globalThis, 'WebAssembly');
    const filter = filterOf([Uint8Array.from('correct-horse-battery', (letter) => letter.charCodeAt(0))]);
    const text = new Uint8Array(400_000);
    text.set(Buffer.from('correct-horse-battery'), 333_333);
    expect(told((where, tell) => eachCandidate(filter, where, tell), text)).toEqual([333_333]);
    expect(finderFor(filter, 400_000, MULTIPLIER)).toBeUndefined();
  } finally {
    Object.assign(globalThis, { WebAssembly });
  }
});

it('what lies in memory that was lent is looked through where it lies, wherever it begins', () => {
  fc.assert(
    fc.property(cases, fc.nat(20), (some, shift) => {
      const filter = filterOf(some.strings);
      const finder = new WordFinder(filter, MULTIPLIER);
      const text = textOf(some);
      const lent = finder.lend(text.length + 20) as Uint8Array;
      const place = lent.subarray(shift, shift + text.length);
      place.set(text);
      const found = told((where, tell) => eachCandidateByFinder(filter, finder, where, tell), place);
      for (const at of standsAt(some.strings, text)) expect(found).toContain(at);
      expect(found.every((at) => at >= 0 && at < text.length)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it('memory is lent until there is none left, and no piece of it twice', () => {
  const finder = new WordFinder(filterOf([Buffer.from('correct-horse-battery')]), MULTIPLIER);
  const pieces: Uint8Array[] = [];
  for (let piece = finder.lend(500_001); piece !== undefined; piece = finder.lend(500_001)) pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(2);
  for (const [at, piece] of pieces.entries()) {
    expect(piece).toHaveLength(500_001);
    expect(piece.byteOffset % 64).toBe(0);
    if (at > 0) expect(piece.byteOffset).toBeGreaterThanOrEqual((pieces[at - 1]?.byteOffset ?? 0) + 500_001);
  }
});
