import { LONGEST_HEAD } from './heads.ts';
import {
  LEAST_DIGITS,
  type LineBreaks,
  LONGEST_BROKEN_HEAD,
  NOTHING_BEFORE,
  readingsOf,
  withoutRulers,
} from './line-breaks.ts';
import { eachMatch, lineBreaksOf, type Matcher } from './matcher.ts';
import { rowsOf } from './rows.ts';
import { SPELLING_KINDS, type SpellingKind } from './speller.ts';
import { eachBrokenPart, unwrap } from './unwrapped.ts';

/** Where a value was found in one blob: `start` and `end` are offsets in bytes from its beginning. */
export interface Match {
  readonly name: string;
  readonly spelling: SpellingKind;
  readonly start: number;
  /** Of a spelling longer than LONGEST_HEAD bytes: where that much of it ends. */
  readonly end: number;
}

/** Looks for values in one blob that comes in pieces, in order. */
export interface Search {
  /** `isLast`: nothing comes behind it, so nothing of it has to be kept. */
  feed(piece: Uint8Array, isLast?: boolean): void;
  /** The first place of each name, in the order of their places; the blob is over. */
  end(): readonly Match[];
}

/** Of the end of a piece: with the digits before a line break, which tell that it is one. */
const MOST_KEPT = LONGEST_BROKEN_HEAD + LEAST_DIGITS;

export function makeSearch(matcher: Matcher): Search {
  const { names, owners, sharers, kinds } = matcher;
  const first = new Map<string, Match>();
  /** The end of the blob so far: a value may begin there and go on in the next piece. */
  let border: Uint8Array | undefined;
  let kept = 0;
  let position = 0;
  let sought: number | undefined;
  let settled: number | undefined;

  /** A blob full of one value is no work once nothing else can be found. */
  function isAllFound(): boolean {
    if (first.size === 0) return false;
    sought ??= new Set(names.flat()).size;
    if (first.size !== sought) return false;
    // What begins before them may still end behind them.
    settled ??= Math.max(...[...first.values()].map(({ start }) => start)) + LONGEST_BROKEN_HEAD;
    return position >= settled;
  }

  function look(text: Uint8Array, start: number): void {
    eachMatch(matcher, text, (from, to, pattern) => noteAll(start + from, start + to, pattern));
    const breaks = withoutRulers(text, lineBreaksOf(matcher, text, NOTHING_BEFORE));
    for (const some of readingsOf(text, breaks)) lookAcross(text, start, some);
  }

  function lookAcross(text: Uint8Array, start: number, breaks: LineBreaks): void {
    eachBrokenPart(text, breaks, LONGEST_HEAD, (part, within, partStart) => {
      const { bytes, placeOf } = unwrap(part, within);
      const at = start + partStart;
      eachMatch(matcher, bytes, (from, to, pattern) => noteAll(at + placeOf(from), at + placeOf(to - 1) + 1, pattern));
    });
  }

  function noteAll(start: number, end: number, pattern: number): void {
    note(owners[pattern] as number, start, end, pattern);
    for (const [value] of rowsOf(sharers, pattern)) note(value as number, start, end, pattern);
  }

  function note(value: number, start: number, end: number, pattern: number): void {
    const own = names[value] as readonly string[];
    const known = first.get(own[0] as string);
    if (known !== undefined && known.start <= start) return;
    const kind = SPELLING_KINDS[kinds[pattern] as number] as SpellingKind;
    for (const name of own) first.set(name, { name, spelling: kind, start, end });
  }

  return {
    feed(piece, isLast = false) {
      if (matcher.empty || piece.length === 0 || isAllFound()) return;
      if (kept > 0 && border !== undefined) {
        const begin = piece.subarray(0, MOST_KEPT);
        border.set(begin, kept);
        look(border.subarray(0, kept + begin.length), position - kept);
      }
      look(piece, position);
      position += piece.length;
      if (isLast) return;
      border ??= new Uint8Array(2 * MOST_KEPT);
      const end = piece.subarray(-MOST_KEPT);
      // A short piece leaves some of what was kept before it.
      const room = MOST_KEPT - end.length;
      const stays = Math.min(kept, room);
      if (stays > 0) border.copyWithin(0, kept - stays, kept);
      border.set(end, stays);
      kept = stays + end.length;
    },
    end() {
      border?.fill(0);
      return [...first.values()].sort((a, b) => a.start - b.start || (a.name < b.name ? -1 : 1));
    },
  };
}
