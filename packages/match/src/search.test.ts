import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeMatcher } from './matcher.ts';
import { type Match, makeSearch } from './search.ts';
import { allSpellings } from './spellings.fixture.ts';
import { LINE_ENDS, unwrapSlowly, WIDTHS, wrap } from './unwrapped.fixture.ts';

const LONGEST_HEAD = 256;
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function searchIn(values: readonly string[], pieces: readonly Uint8Array[]): readonly Match[] {
  const named = values.map((value, at) => ({ name: `S${at}`, bytes: bytes(value) }));
  const search = makeSearch(makeMatcher(named));
  for (const piece of pieces) {
    // Whoever feeds may use the memory again.
    const copy = Uint8Array.from(piece);
    search.feed(copy);
    copy.fill(0x21);
  }
  return search.end();
}

function firstPlace(value: string, blob: Buffer): number | undefined {
  const { text, places: placeOf } = unwrapSlowly(blob.toString('latin1'), (before) => new Set(before).size > 1);
  const unwrapped = bytes(text);
  const places = allSpellings(bytes(value))
    .map((spelling) => spelling.subarray(0, LONGEST_HEAD))
    .flatMap((head) => [blob.indexOf(head), placeOf[unwrapped.indexOf(head)] ?? -1])
    .filter((at) => at >= 0);
  return places.length === 0 ? undefined : Math.min(...places);
}

const value = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '/', '"', ' '), minLength: 7, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 250, maxLength: 400 }),
);

it('each value is found at its first place, in any spelling and however the blob is cut', () => {
  const cases = fc.array(value, { minLength: 1, maxLength: 4 }).chain((values) => {
    const spellings = values.flatMap((each) => allSpellings(bytes(each)).map((one) => Buffer.from(one)));
    const encoded = fc
      .array(
        fc.oneof(
          fc.constantFrom(...spellings.map((each) => each.toString('latin1'))),
          fc.string({ unit: fc.constantFrom('a', 'b') }),
        ),
      )
      .map((all) => all.join(''));
    const inLines = fc.tuple(encoded, fc.constantFrom(...WIDTHS), fc.constantFrom(...LINE_ENDS)).map(wrap);
    const part = fc.oneof(
      fc.constantFrom(...spellings),
      fc.tuple(fc.constantFrom(...spellings), fc.nat(300)).map(([whole, length]) => whole.subarray(0, length)),
      fc.string({ maxLength: 60 }).map((text) => Buffer.from(text)),
      inLines.map(bytes),
    );
    return fc.tuple(
      fc.constant(values),
      fc.array(part, { maxLength: 8 }).map((parts) => Buffer.concat(parts)),
      fc.array(fc.nat(3000), { maxLength: 12 }),
    );
  });
  fc.assert(
    fc.property(cases, ([values, blob, cuts]) => {
      const places = [0, ...cuts.map((cut) => cut % (blob.length + 1)), blob.length].sort((a, b) => a - b);
      const pieces = places.slice(1).map((end, at) => blob.subarray(places[at], end));
      const found = new Map(searchIn(values, pieces).map(({ name, start }) => [name, start]));
      const expected = new Map(
        values.flatMap((each, at) => {
          const place = firstPlace(each, blob);
          return place === undefined ? [] : [[`S${at}`, place] as const];
        }),
      );
      expect(found).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

it('what begins first is the first place, also where something within it ended in an earlier piece', () => {
  const value = 'short\n0123456789abcdef\nlast';
  expect(searchIn([value], [bytes(value.slice(0, 22)), bytes(value.slice(22))])).toEqual([
    { name: 'S0', spelling: 'raw', start: 0, end: 27 },
  ]);
});

it('two secrets of one value are both named', () => {
  expect(searchIn(['swordfish', 'swordfish'], [bytes('a swordfish')])).toEqual([
    { name: 'S0', spelling: 'raw', start: 2, end: 11 },
    { name: 'S1', spelling: 'raw', start: 2, end: 11 },
  ]);
});

it('the kind of spelling is told, and the bytes that give the value away', () => {
  const blob = `Authorization: Basic ${Buffer.from('me:swordfish').toString('base64')}`;
  expect(searchIn(['swordfish'], [bytes(blob)])).toEqual([{ name: 'S0', spelling: 'base64', start: 25, end: 37 }]);
  const encoded = `?p=${'swordfish'.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)}`;
  expect(searchIn(['swordfish'], [bytes(encoded)])).toEqual([{ name: 'S0', spelling: 'percent', start: 3, end: 30 }]);
});

it('nothing is found in nothing, and of nothing', () => {
  expect(searchIn(['swordfish'], [])).toEqual([]);
  expect(searchIn(['swordfish'], [bytes('')])).toEqual([]);
  expect(searchIn([], [bytes('swordfish')])).toEqual([]);
  expect(searchIn(['short'], [bytes('short')])).toEqual([]);
});
