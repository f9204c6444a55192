import type { Matcher } from './matcher.ts';

/** Where a value was found in one blob: `start` and `end` are offsets in bytes from its beginning. */
export interface Match {
  readonly name: string;
  readonly spelling: string;
  readonly start: number;
  readonly end: number;
}

/** Looks for values in one blob that comes in pieces, in order. */
export interface Search {
  feed(piece: Uint8Array): void;
  /** The first place of each name, in the order of their places; the blob is over. */
  end(): readonly Match[];
}

export function makeSearch(matcher: Matcher): Search {
  const first = new Map<string, Match>();
  const scan = matcher.scan();
  const listener = {
    found(start: number, end: number, name: string): void {
      if (!first.has(name)) first.set(name, { name, spelling: 'raw', start, end });
    },
    extended(): void {},
  };
  return {
    feed: (piece) => scan.feed(piece, listener),
    end: () => [...first.values()].sort((a, b) => a.start - b.start),
  };
}
