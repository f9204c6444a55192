import type { Heads, Longer } from './heads.ts';

/** How the spellings go on that are longer than their heads: five numbers each, in the order of the heads. */
export type LongerWays = Int32Array;

const FIELDS = 5;

/** @param firsts of each head the one that is in the tree */
export function longerWays({ longer }: Heads, firsts: Int32Array): LongerWays {
  const ways = [...longer].map(([head, way]) => ({ head: firsts[head] as number, ...way }));
  ways.sort((a, b) => a.head - b.head);
  return Int32Array.from(ways.flatMap(({ head, value, from, to, speller }) => [head, value, from, to, speller]));
}

/** Those that begin with that head; several may begin alike. */
export function waysFrom(ways: LongerWays, head: number): Longer[] {
  const found: Longer[] = [];
  for (let at = placeOf(ways, head); ways[at] === head; at += FIELDS) {
    const [value, from, to, speller] = ways.subarray(at + 1, at + FIELDS) as unknown as [
      number,
      number,
      number,
      number,
    ];
    found.push({ value, from, to, speller });
  }
  return found;
}

export function goesOn(ways: LongerWays, head: number): boolean {
  return ways[placeOf(ways, head)] === head;
}

/** Where the first stands whose head is not before that one. */
function placeOf(ways: LongerWays, head: number): number {
  let low = 0;
  let high = ways.length / FIELDS;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ways[middle * FIELDS] as number) < head) low = middle + 1;
    else high = middle;
  }
  return low * FIELDS;
}
