import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildTrie, isBeginning, longestAt, type Strings, walk } from './trie.ts';

const ab = (most: number) => fc.array(fc.constantFrom(0x61, 0x62, 0xff), { minLength: 4, maxLength: most });
const strings = fc.array(ab(12), { maxLength: 12 }).map((all) => all.map((one) => Uint8Array.from(one)));
const text = fc
  .array(fc.constantFrom(0x61, 0x62, 0xff), { minLength: 1, maxLength: 30 })
  .map((all) => Uint8Array.from(all));

const startsWith = (whole: Uint8Array, beginning: Uint8Array): boolean =>
  beginning.every((byte, at) => whole[at] === byte);

it('a walk finds every string that stands there, shortest first', () => {
  fc.assert(
    fc.property(strings, text, (all, where) => {
      const { trie } = buildTrie(stringsOf(all));
      for (let start = 0; start <= where.length; start += 1) {
        const found: [string: number, end: number][] = [];
        walk(trie, where, start, (_, end, string) => found.push([string, end]));
        const expected = all
          .filter((one) => start + one.length <= where.length && startsWith(where.subarray(start), one))
          .map((one) => start + one.length);
        expect(found.map(([, end]) => end)).toEqual([...new Set(expected)].sort((a, b) => a - b));
        const longest = longestAt(trie, where, start);
        expect(longest === 0 ? undefined : [trie.strings[longest], start + (trie.depths[longest] as number)]).toEqual(
          found.at(-1),
        );
        for (const [string, end] of found) expect(same(all[string], where.subarray(start, end))).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});

it('what is a beginning of a longer string is known', () => {
  fc.assert(
    fc.property(strings, text, (all, where) => {
      const { trie } = buildTrie(stringsOf(all));
      for (let start = 0; start < where.length; start += 1) {
        const rest = where.subarray(start);
        const expected = all.some((one) => one.length > rest.length && startsWith(one, rest));
        expect(isBeginning(trie, where, start)).toBe(expected);
      }
    }),
    { numRuns: 2000 },
  );
});

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && startsWith(a, b);
}

function stringsOf(all: readonly Uint8Array[]): Strings {
  const starts = Int32Array.from(all, (_, index) => all.slice(0, index).reduce((sum, one) => sum + one.length, 0));
  return {
    count: all.length,
    bytes: Uint8Array.from(all.flatMap((one) => [...one])),
    starts,
    lengths: Int32Array.from(all, ({ length }) => length),
  };
}
