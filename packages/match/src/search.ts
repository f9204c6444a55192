import { LONGEST_HEAD } from './heads.ts';
import { eachMatch, type Matcher } from './matcher.ts';
import type { SpellingKind } from './speller.ts';

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
  feed(piece: Uint8Array): void;
  /** The first place of each name, in the order of their places; the blob is over. */
  end(): readonly Match[];
}

export function makeSearch(matcher: Matcher): Search {
  const { names, owners, kinds, longer } = matcher;
  const first = new Map<string, Match>();
  /** The end of the blob so far: a value may begin there and go on in the next piece. */
  const border = new Uint8Array(2 * (LONGEST_HEAD - 1));
  let kept = 0;
  let position = 0;
  const sought = new Set(names.flat()).size;

  /** Two long values with the same head are both meant. */
  const valuesOf = (pattern: number): number[] => [
    ...new Set([owners[pattern] as number, ...(longer.get(pattern) ?? []).map(({ value }) => value)]),
  ];

  function look(text: Uint8Array, start: number): void {
    eachMatch(matcher, text, (from, to, pattern) => {
      const owner = names[owners[pattern] as number] as readonly string[];
      const known = first.get(owner[0] as string);
      if (known !== undefined && known.start <= start + from) return;
      const match = { spelling: kinds[pattern] as SpellingKind, start: start + from, end: start + to };
      for (const value of valuesOf(pattern)) {
        for (const name of names[value] as readonly string[]) {
          if ((first.get(name)?.start ?? Number.POSITIVE_INFINITY) > match.start) first.set(name, { name, ...match });
        }
      }
    });
  }

  return {
    feed(piece) {
      // A blob full of one value is no work once nothing else can be found.
      if (matcher.empty || piece.length === 0 || first.size === sought) return;
      if (kept > 0) {
        const begin = piece.subarray(0, LONGEST_HEAD - 1);
        border.set(begin, kept);
        look(border.subarray(0, kept + begin.length), position - kept);
      }
      look(piece, position);
      position += piece.length;
      const end = piece.subarray(-(LONGEST_HEAD - 1));
      // A short piece leaves some of what was kept before it.
      const room = LONGEST_HEAD - 1 - end.length;
      const stays = Math.min(kept, room);
      if (stays > 0) border.copyWithin(0, kept - stays, kept);
      border.set(end, stays);
      kept = stays + end.length;
    },
    end() {
      border.fill(0);
      return [...first.values()].sort((a, b) => a.start - b.start || (a.name < b.name ? -1 : 1));
    },
  };
}
