import { type Automaton, buildAutomaton, type Pattern } from './automaton.ts';
import { type Continuation, follow, makeContinuation } from './continuation.ts';
import { type NamedValue, spellingsOf } from './spellings.ts';
import { makeWordFilter, type WordFilter } from './word-filter.ts';

/** What a scan tells, in stream positions: 0 is the first byte ever fed. */
export interface MatchListener {
  /** [start, end) is a spelling of the named value. Ends never go back; of two with one end only the longer is told. */
  found(start: number, end: number, name: string): void;
  /** The value last found or extended goes on up to `end`. */
  extended(end: number): void;
}

/** One pass over one stream. */
export interface Scan {
  /** Tells all that is found up to the end of `bytes`, whose beginning is where the last feed ended. */
  feed(bytes: Uint8Array, listener: MatchListener): void;
  /** How many of the last bytes fed could still become a match: always fewer than LONGEST_PATTERN. */
  pending(): number;
}

/** Finds values in bytes; made once, used for any number of streams. */
export interface Matcher {
  /** Nothing to look for. */
  readonly empty: boolean;
  scan(): Scan;
}

/** Of a longer value this much is looked for; the rest is then followed byte by byte, and nothing is held back for it. */
export const LONGEST_PATTERN = 256;

/** A typed array over a few bytes costs more than it saves. */
const SHORTEST_FILTERED = 64;

export function makeMatcher(values: readonly NamedValue[]): Matcher {
  const patterns: Pattern[] = [];
  const long: { readonly pattern: Pattern; readonly value: Uint8Array }[] = [];
  for (const { name, bytes } of values) {
    for (const spelling of spellingsOf(bytes)) {
      const pattern = { name, bytes: spelling.subarray(0, LONGEST_PATTERN) };
      patterns.push(pattern);
      if (spelling.length > LONGEST_PATTERN) long.push({ pattern, value: Uint8Array.from(spelling) });
    }
  }
  if (patterns.length === 0) return { empty: true, scan: () => ({ feed: () => {}, pending: () => 0 }) };
  const automaton = buildAutomaton(patterns);
  const tables: Tables = {
    automaton,
    filter: makeWordFilter(patterns),
    names: patterns.map(({ name }) => name),
    longAt: statesOf(automaton, long),
    long: long.map(({ value }) => value),
  };
  return { empty: false, scan: () => makeScan(tables) };
}

interface Tables {
  readonly automaton: Automaton;
  readonly filter: WordFilter;
  readonly names: readonly string[];
  /** Which long values begin to be followed in which state. */
  readonly longAt: ReadonlyMap<number, readonly number[]>;
  readonly long: readonly Uint8Array[];
}

function makeScan({ automaton, filter, names, longAt, long }: Tables): Scan {
  const { classOf, classes, moves, hitLength, hitPattern, pending } = automaton;
  const continuations: (Continuation | undefined)[] = long.map(() => undefined);
  let following = 0;
  let state = 0;
  let position = 0;

  function goOn(byte: number, end: number, listener: MatchListener): void {
    following = 0;
    for (const continuation of continuations) {
      if (continuation === undefined || continuation.seen === 0) continue;
      follow(continuation, byte, LONGEST_PATTERN);
      if (continuation.seen === 0) continue;
      following += 1;
      listener.extended(end);
    }
  }

  function tell(end: number, listener: MatchListener): void {
    const length = hitLength[state] as number;
    listener.found(end - length, end, names[hitPattern[state] as number] as string);
    for (const index of longAt.get(state) ?? []) {
      continuations[index] ??= makeContinuation(long[index] as Uint8Array);
      const continuation = continuations[index];
      if (continuation.seen > 0) continue;
      continuation.seen = LONGEST_PATTERN;
      following += 1;
    }
  }

  /** Steps byte by byte from `from`, at least up to `least`, until no match is under way. Returns where it stopped. */
  function step(bytes: Uint8Array, from: number, least: number, listener: MatchListener): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      state = moves[state * classes + (classOf[byte] as number)] as number;
      at += 1;
      if (following > 0) goOn(byte, position + at, listener);
      if (state === 0) {
        if (at >= least && following === 0) break;
      } else if ((hitLength[state] as number) > 0) {
        tell(position + at, listener);
      }
    }
    return at;
  }

  return {
    feed(bytes, listener) {
      if (bytes.length < SHORTEST_FILTERED) {
        step(bytes, 0, bytes.length, listener);
      } else {
        let at = state === 0 && following === 0 ? 0 : step(bytes, 0, 0, listener);
        const words = filter.over(bytes);
        while (at < bytes.length) {
          const from = words.next(at);
          at = step(bytes, Math.max(at, from), Math.min(from + filter.reach, bytes.length), listener);
        }
      }
      position += bytes.length;
    },
    pending: () => pending[state] as number,
  };
}

/** In which state each long value's known beginning has just been seen; no pattern is longer, so in no other. */
function statesOf({ classOf, classes, moves }: Automaton, long: readonly { readonly pattern: Pattern }[]) {
  const indexesAt = new Map<number, number[]>();
  for (const [index, { pattern }] of long.entries()) {
    let state = 0;
    for (const byte of pattern.bytes) state = moves[state * classes + (classOf[byte] as number)] as number;
    indexesAt.set(state, [...(indexesAt.get(state) ?? []), index]);
  }
  return indexesAt;
}
