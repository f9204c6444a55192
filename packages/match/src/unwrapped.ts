import type { LineBreaks } from './line-breaks.ts';

/** A text without its line breaks. */
export interface Unwrapped {
  readonly bytes: Uint8Array;
  /** Where in the text a byte of it stands. */
  placeOf(at: number): number;
  /** Whether there is a line break between two bytes of it. */
  isBroken(from: number, to: number): boolean;
}

export function unwrap(text: Uint8Array, breaks: LineBreaks): Unwrapped {
  /** Of each break: its place in the bytes, and what is to be added from there on. */
  const places: number[] = [];
  const added: number[] = [];
  const bytes = new Uint8Array(text.length - bytesOf(breaks));
  let used = 0;
  let start = 0;
  for (let index = 0; index < breaks.length; index += 2) {
    const from = breaks[index] as number;
    const to = breaks[index + 1] as number;
    bytes.set(text.subarray(start, from), used);
    used += from - start;
    start = to;
    places.push(used);
    added.push(to - used);
  }
  bytes.set(text.subarray(start), used);
  /** How many breaks lie before that byte: most often that is asked in the order of the places. */
  let last = 0;
  const breaksBefore = (at: number): number => {
    while (last < places.length && (places[last] as number) <= at) last += 1;
    while (last > 0 && (places[last - 1] as number) > at) last -= 1;
    return last;
  };
  return {
    bytes,
    placeOf(at) {
      const before = breaksBefore(at);
      return before === 0 ? at : at + (added[before - 1] as number);
    },
    isBroken: (from, to) => breaksBefore(from) !== breaksBefore(to),
  };
}

/** How many bytes of a text's first `until` are line breaks. */
export function bytesOf(breaks: LineBreaks, until = Number.POSITIVE_INFINITY): number {
  let bytes = 0;
  for (let index = 0; index < breaks.length && (breaks[index] as number) < until; index += 2) {
    bytes += Math.min(breaks[index + 1] as number, until) - (breaks[index] as number);
  }
  return bytes;
}

/** The parts of a text in which a head may lie across a line break, each with the breaks in it. */
export function eachBrokenPart(
  text: Uint8Array,
  breaks: LineBreaks,
  reach: number,
  tell: (part: Uint8Array, breaks: LineBreaks, start: number) => void,
): void {
  for (let first = 0; first < breaks.length; ) {
    const start = Math.max(0, (breaks[first] as number) - reach);
    let after = first + 2;
    while (after < breaks.length && (breaks[after] as number) - (breaks[after - 1] as number) < 2 * reach) after += 2;
    const end = Math.min(text.length, (breaks[after - 1] as number) + reach);
    tell(
      text.subarray(start, end),
      breaks.slice(first, after).map((at) => at - start),
      start,
    );
    first = after;
  }
}
