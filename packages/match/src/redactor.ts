import { Followers } from './followers.ts';
import { LONGEST_HEAD } from './heads.ts';
import { Joint } from './joint.ts';
import { eachLongest, type Matcher, makeMatcher, pendingLength } from './matcher.ts';
import { Spans } from './spans.ts';
import type { NamedValue } from './spellings.ts';

/**
 * Masks values in one stream of bytes, however it is cut into chunks. What a call returns is good until
 * the next call, and may be the chunk itself or a part of it: write it before that memory is used again.
 */
export interface Redactor {
  /** @param room so many bytes of the chunk's memory, right before it, may be overwritten: that saves copying it */
  push(chunk: Uint8Array, room?: number): Uint8Array;
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
  return redactWith(matcher);
}

/** What stands in the place of a value. It has nothing of the value in it. */
export function markOf(name: string): string {
  return `[hasp:${name}]`;
}

function redactWith(matcher: Matcher): Redactor {
  const { names, owners } = matcher;
  const spans = new Spans();
  const followers = new Followers(matcher);
  const encoder = new TextEncoder();
  /** Stream positions: input up to `settled` has been returned or masked, input up to `position` has been seen. */
  let settled = 0;
  let position = 0;
  /** A copy of the last input, which may be the beginning of a value; some of it may be settled. */
  let tail: Uint8Array = NOTHING;

  const joint = new Joint();

  const nameOf = (value: number): string => names[value]?.[0] as string;

  function findIn(text: Uint8Array): void {
    const start = position - text.length;
    eachLongest(matcher, text, (from, to, pattern) => {
      spans.add(start + from, start + to, to - from, nameOf(owners[pattern] as number));
      if (matcher.longer.size > 0 && to > tail.length) followers.met(pattern, from);
    });
    if (matcher.longer.size === 0) return;
    followers.goOn(text, start, tail.length, (from, to, value) => spans.add(from, to, LONGEST_HEAD, nameOf(value)));
  }

  /** Returns what is in `text`, the last input, from `settled` to `until`, masked. */
  function settle(text: Uint8Array, until: number): Uint8Array {
    const start = position - text.length;
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
    return join(pieces);
  }

  return {
    push(chunk, room = 0) {
      const text = joint.join(tail, chunk, room);
      position += chunk.length;
      findIn(text);
      const pending = pendingLength(matcher, text);
      const settledText = settle(text, position - pending);
      // Not slice: a Buffer's shares its memory, which the caller will use again.
      tail = pending === 0 ? NOTHING : new Uint8Array(text.subarray(text.length - pending));
      return settledText;
    },
    idle() {
      if (tail.length > MOST_SHOWN_BY_SILENCE || settled >= position) return NOTHING;
      const shown = tail.subarray(tail.length - (position - settled));
      settled = position;
      return shown;
    },
    end() {
      const rest = settle(tail, position);
      tail = NOTHING;
      joint.wipe();
      return rest;
    },
  };
}

function isMatcher(values: readonly NamedValue[] | Matcher): values is Matcher {
  return 'trie' in values;
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
