import { joinBytes } from './join-bytes.ts';
import { Joint } from './joint.ts';
import { type Matcher, makeMatcher, memoryFor } from './matcher.ts';
import type { NamedValue } from './spellings.ts';
import { ValueSpans } from './value-spans.ts';

/**
 * Masks values in one stream of bytes, however it is cut into chunks. What a call returns is good until
 * the next call, and may be the chunk itself or a part of it: write it before that memory is used again.
 */
export interface Redactor {
  /** @param room so many bytes of the chunk's memory, right before it, may be overwritten: that saves copying it */
  push(chunk: Uint8Array, room?: number): Uint8Array;
  /**
   * The tail held back if it is under four bytes of a value, else nothing. For a stream that has fallen silent:
   * a prompt must not wait for its last letter. If the tail did begin a value, the rest is still masked.
   */
  idle(): Uint8Array;
  /** Whatever is still held back; the stream is over. */
  end(): Uint8Array;
  /** Where chunks are best put, as `memoryFor`. */
  memory(bytes: number): Uint8Array<ArrayBuffer> | undefined;
}

/** So many bytes of a value's beginning may be shown because the stream is silent. */
export const MOST_SHOWN_BY_SILENCE = 3;

const NOTHING = new Uint8Array(0);

/** Several streams that are masked for the same values can share one matcher. */
export function makeRedactor(values: readonly NamedValue[] | Matcher): Redactor {
  const matcher = isMatcher(values) ? values : makeMatcher(values);
  return matcher.empty ? TRANSPARENT : makePlainRedactor(matcher);
}

const TRANSPARENT: Redactor = {
  push: (chunk) => chunk,
  idle: () => NOTHING,
  end: () => NOTHING,
  memory: () => undefined,
};

/** What stands in the place of a value. It has nothing of the value in it. */
export function markOf(name: string): string {
  return `[hasp:${name}]`;
}

/** What a redactor holds and knows of its stream. */
export interface Unfinished {
  readonly spans: ValueSpans;
  /** Stream positions: input up to `settled` has been returned or masked, input up to `position` has been seen. */
  settled: number;
  position: number;
  /** A copy of the last input, which may be the beginning of a value; some of it may be settled. */
  tail: Uint8Array;
}

/** A redactor whose work another can go on with. */
export interface PlainRedactor extends Redactor {
  /** It holds nothing any more, and goes on as if nothing had been before. */
  handOver(): Unfinished;
  /** Of a long value the head was found, and not yet its end. */
  isFollowing(): boolean;
}

export function makePlainRedactor(matcher: Matcher): PlainRedactor {
  const encoder = new TextEncoder();
  const joint = new Joint();
  let spans = new ValueSpans(matcher);
  /** As `Unfinished` has them. */
  let settled = 0;
  let position = 0;
  let tail: Uint8Array = NOTHING;

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
    return joinBytes(pieces);
  }

  return {
    push(chunk, room = 0) {
      const text = joint.join(tail, chunk, room);
      position += chunk.length;
      spans.findIn(text, position - text.length, tail.length);
      const { pending } = spans;
      const settledText = settle(text, position - pending);
      // Not slice: a Buffer's shares its memory, which the caller will use again.
      tail = pending === 0 ? NOTHING : new Uint8Array(text.subarray(text.length - pending));
      return settledText;
    },
    idle() {
      if (spans.pendingOfValue > MOST_SHOWN_BY_SILENCE || settled >= position) return NOTHING;
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
    memory: (bytes) => memoryFor(matcher, bytes),
    isFollowing: () => spans.isFollowing,
    handOver() {
      const unfinished = { spans, settled, position, tail };
      spans = new ValueSpans(matcher);
      settled = position;
      tail = NOTHING;
      return unfinished;
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
