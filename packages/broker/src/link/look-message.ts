import type { Match } from '@hasp/match';

/** What is asked of a broker that looks for values: each is about one line, and `feed` and `end` about one search of it. */
export type LookMessage =
  /** Whether there is anything to look for; with a value more, which follows as bytes. Answered by LookFacts. */
  | { readonly open: true; readonly more?: string }
  /** The next piece of a blob follows as bytes. Not answered. */
  | { readonly feed: number; readonly isLast: boolean }
  /** The blob is over. Answered by `{matches}`. */
  | { readonly end: number }
  /** Answered by as many bytes as it takes, masked. */
  | { readonly mask: true };

export interface LookFacts {
  readonly isEmpty: boolean;
  readonly unwatched: readonly string[];
}

export interface LookMatches {
  readonly matches: readonly Match[];
}
