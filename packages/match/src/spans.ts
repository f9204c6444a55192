import type { MatchListener } from './matcher.ts';

/** A stretch of the stream to be replaced by one mark. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** Joins what overlaps. The match that begins first gives the name; of those that begin together, the longest. */
export interface Spans extends MatchListener {
  /** Where the last span taken ends, also if it has grown since: its mark is out, the rest of it is just left away. */
  takenUntil(): number;
  /** The spans that begin before `until`, in order. */
  takeBefore(until: number): readonly Span[];
}

export function makeSpans(): Spans {
  let taken = 0;
  /** In the order of the stream, none overlaps another. */
  const waiting: Span[] = [];
  return {
    found(start, end, name) {
      if (start < taken) {
        taken = end;
        waiting.length = 0;
        return;
      }
      let joined: Span = { start, end, name };
      for (let last = waiting.at(-1); last !== undefined && last.end > start; last = waiting.at(-1)) {
        if (last.start < joined.start) joined = { ...last, end };
        waiting.pop();
      }
      waiting.push(joined);
    },
    extended(end) {
      const last = waiting.pop();
      if (last === undefined) taken = end;
      else waiting.push({ ...last, end });
    },
    takenUntil: () => taken,
    takeBefore(until) {
      const after = waiting.findIndex((span) => span.start >= until);
      const before = waiting.splice(0, after < 0 ? waiting.length : after);
      taken = before.at(-1)?.end ?? taken;
      return before;
    },
  };
}
