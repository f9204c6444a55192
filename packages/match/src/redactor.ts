import { type Matcher, makeMatcher, type Scan } from './matcher.ts';
import { makeSpans } from './spans.ts';
import type { NamedValue } from './spellings.ts';

/**
 * Masks values in one stream of bytes, however it is cut into chunks. What a call returns may be
 * the chunk itself or a part of it: write it before that memory is used again.
 */
export interface Redactor {
  /** The input so far, masked, but for the shortest tail that may turn out to begin a value; that comes with a later call. */
  push(chunk: Uint8Array): Uint8Array;
  /**
   * The tail held back if it is under four bytes, else nothing. For a stream that has fallen silent:
   * a prompt must not wait for its last letter. If the tail did begin a value, the rest is still masked.
   */
  idle(): Uint8Array;
  /** Whatever is still held back; the stream is over. */
  end(): Uint8Array;
}

/** So many bytes of a value's beginning may be shown because the stream is silent. */
const MOST_SHOWN_BY_SILENCE = 3;

const NOTHING = new Uint8Array(0);

/** Several streams that are masked for the same values can share one matcher. */
export function makeRedactor(values: readonly NamedValue[] | Matcher): Redactor {
  const matcher = isMatcher(values) ? values : makeMatcher(values);
  if (matcher.empty) return { push: (chunk) => chunk, idle: () => NOTHING, end: () => NOTHING };
  return redactWith(matcher.scan());
}

/** What stands in the place of a value. It has nothing of the value in it. */
export function markOf(name: string): string {
  return `[hasp:${name}]`;
}

function redactWith(scan: Scan): Redactor {
  const spans = makeSpans();
  const encoder = new TextEncoder();
  /** Stream positions: input up to `settled` has been returned or masked, input up to `position` has been seen. */
  let settled = 0;
  let position = 0;
  /** A copy of the input in between. */
  let held = NOTHING;

  /** Returns `text`, which is the input from `settled` to `position`, masked up to `until`. */
  function settle(text: Uint8Array, until: number): Uint8Array {
    const start = settled;
    const pieces: Uint8Array[] = [];
    const passTo = (end: number): void => {
      if (end > settled) pieces.push(part(text, settled - start, end - start));
      settled = Math.max(settled, end);
    };
    settled = Math.max(settled, spans.takenUntil());
    for (const span of spans.takeBefore(until)) {
      passTo(span.start);
      pieces.push(encoder.encode(markOf(span.name)));
      settled = span.end;
    }
    passTo(until);
    // Not slice: a Buffer's shares its memory, which the caller will use again.
    held = settled < position ? new Uint8Array(text.subarray(settled - start)) : NOTHING;
    return join(pieces);
  }

  return {
    push(chunk) {
      scan.feed(chunk, spans);
      position += chunk.length;
      return settle(held.length === 0 ? chunk : join([held, chunk]), position - scan.pending());
    },
    idle() {
      if (scan.pending() > MOST_SHOWN_BY_SILENCE) return NOTHING;
      const shown = held;
      held = NOTHING;
      settled = position;
      return shown;
    },
    end: () => settle(held, position),
  };
}

function isMatcher(values: readonly NamedValue[] | Matcher): values is Matcher {
  return 'scan' in values;
}

/** The bytes themselves if it is all of them. */
function part(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}

/** Copies only if there is more than one piece. */
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = pieces;
  if (first === undefined) return NOTHING;
  if (others.length === 0) return first;
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
