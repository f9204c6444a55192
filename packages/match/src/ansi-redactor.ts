import { AnsiSequences, type Parted } from './ansi-sequences.ts';
import { BinaryStretches } from './binary-stretches.ts';
import { LONGEST_HEAD } from './heads.ts';
import { joinBytes } from './join-bytes.ts';
import { Joint } from './joint.ts';
import { eachLongest, type Matcher, pendingLength } from './matcher.ts';
import { MOST_SHOWN_BY_SILENCE, makeRedactor, markOf, type Redactor } from './redactor.ts';
import { ValueSpans } from './value-spans.ts';

/** What stands within the beginning of a value is held with it, up to this much. */
const MOST_HELD = 4096;
const NOTHING = new Uint8Array(0);

/** What a terminal obeys and does not show. */
interface Sequence {
  /** Its place in the text that is shown. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * A redactor that also masks a value which escape sequences interrupt: `se ESC[1m cret`, as a program prints it that
 * marks what it has found. It looks through the text that a terminal would show; the mark stands where the value
 * began, and the sequences behind it, for what they have turned on or off. What comes out of that goes through a
 * plain redactor, which sees the sequences as bytes. A stream without sequences, or of binary data, goes to that alone.
 */
export function makeAnsiRedactor(matcher: Matcher): Redactor {
  const plain = makeRedactor(matcher);
  if (matcher.empty) return plain;
  const shown = makeShownText(matcher);
  return {
    push: (chunk, room = 0) => {
      const output = shown.push(chunk, room);
      return plain.push(output, shown.room());
    },
    idle: () => {
      const released = shown.idle();
      return released.length === 0 ? plain.idle() : both(plain.push(released), () => plain.idle());
    },
    end: () => both(plain.push(shown.end()), () => plain.end()),
  };
}

/** What the first call returned is good until the next call. */
function both(first: Uint8Array, next: () => Uint8Array): Uint8Array {
  const kept = Uint8Array.from(first);
  return joinBytes([kept, next()]);
}

interface ShownText extends Redactor {
  /** Before what the last push returned. */
  room(): number;
}

function makeShownText(matcher: Matcher): ShownText {
  const parser = new AnsiSequences();
  const stretches = new BinaryStretches();
  const spans = new ValueSpans(matcher);
  const encoder = new TextEncoder();
  /** Once there was a sequence. Before that the plain redactor finds everything. */
  let isLooking = false;
  /** Positions in the text that is shown: up to `settled` it has been returned, up to `position` it has been seen. */
  let settled = 0;
  let position = 0;
  /** A copy of the last text, which may be the beginning of a value; some of it may be settled. */
  let tail: Uint8Array = NOTHING;
  const joint = new Joint();
  let roomBefore = 0;
  /** Those not returned yet. */
  let sequences: Sequence[] = [];
  const later: Sequence[] = [];

  /** Whether a value lies on both sides of that place: the plain redactor must not get a half of it before a mark. */
  function isCutApart(text: Uint8Array, place: number): boolean {
    const start = Math.max(0, place - LONGEST_HEAD);
    let found = false;
    eachLongest(matcher, text.subarray(start), (from, to) => {
      found ||= start + from < place && start + to > place;
    });
    return found;
  }

  /** Returns what is in `text`, the last text, from `settled` to `until`, masked, and the sequences where they stood. */
  function settle(text: Uint8Array, until: number): Uint8Array {
    const start = position - text.length;
    const pieces: Uint8Array[] = [];
    let taken = 0;
    const passText = (end: number): void => {
      if (end > settled) pieces.push(text.subarray(settled - start, end - start));
      settled = Math.max(settled, end);
    };
    const passTo = (end: number): void => {
      for (; taken < sequences.length && (sequences[taken] as Sequence).at <= end; taken += 1) {
        const { at, bytes } = sequences[taken] as Sequence;
        passText(at);
        pieces.push(bytes);
      }
      passText(end);
    };
    settled = Math.max(settled, spans.takenUntil());
    for (const span of spans.takeBefore(until)) {
      passTo(span.start);
      pieces.push(encoder.encode(markOf(span.name)));
      settled = span.end;
    }
    passTo(until);
    sequences = sequences.slice(taken);
    return joinBytes(pieces);
  }

  /** Takes what a terminal would obey out of `bytes`, if it is text for one. */
  function partOf(bytes: Uint8Array, isBinary: boolean): Parted | undefined {
    if (!isBinary) {
      const parted = parser.part(bytes);
      isLooking ||= parted !== undefined;
      return parted;
    }
    parser.reset();
    isLooking = false;
    return undefined;
  }

  function take(bytes: Uint8Array, isBinary: boolean, room: number): Uint8Array {
    const wasLooking = isLooking;
    const parted = partOf(bytes, isBinary);
    const added = parted?.text ?? bytes;
    const text = joint.join(tail, added, parted === undefined ? room : 0);
    const before = position;
    position += added.length;
    const pending = pendingLength(matcher, text);
    isLooking ||= !isBinary && pending > 0 && isCutApart(text, text.length - pending);
    // What it followed has had a gap.
    if (isLooking && !wasLooking) spans.followNone();
    const found = isLooking && spans.findIn(text, position - text.length, tail.length);
    roomBefore = 0;
    let output: Uint8Array;
    if (parted && !found && sequences.length === 0 && pending <= added.length) {
      // Everything but what is pending goes out as it came.
      const end = placeOf(parted, added.length - pending);
      output = joinBytes([tail.subarray(tail.length - (before - settled)), bytes.subarray(0, end)]);
      settled = position - pending;
      keep(parted, bytes, before, end);
    } else {
      if (parted) keep(parted, bytes, before, 0);
      output = settle(text, position - pending);
      // What lies before it has been returned, or is the room that was given.
      if (output.buffer === bytes.buffer) roomBefore = output.byteOffset - bytes.byteOffset + room;
    }
    tail = pending === 0 ? NOTHING : Uint8Array.from(text.subarray(text.length - pending));
    const held = sequences.reduce((sum, one) => sum + one.bytes.length, 0);
    if (held <= MOST_HELD) return output;
    roomBefore = 0;
    return both(output, giveUp);
  }

  /** Remembers the sequences that begin at `from` in the bytes or later. The memory of the bytes is used again. */
  function keep({ sequences: places }: Parted, bytes: Uint8Array, before: number, from: number): void {
    for (let index = places.length - 3; index >= 0 && (places[index + 1] as number) >= from; index -= 3) {
      const copy = Uint8Array.from(bytes.subarray(places[index + 1] as number, places[index + 2] as number));
      later.push({ at: before + (places[index] as number), bytes: copy });
    }
    while (later.length > 0) sequences.push(later.pop() as Sequence);
  }

  return {
    room: () => roomBefore,
    push(chunk, room = 0) {
      if (stretches.areText(chunk)) return take(chunk, false, room);
      const outputs: Uint8Array[] = [];
      stretches.each(chunk, (part, isBinary) => {
        const output = take(part, isBinary, part === chunk ? room : 0);
        // What was given out lies in memory that the next part may use.
        if (output.length > 0) outputs.push(part === chunk ? output : Uint8Array.from(output));
        if (part !== chunk) roomBefore = 0;
      });
      return joinBytes(outputs);
    },
    // What is shown stays the beginning of a value, if it is one.
    idle: () => (tail.length > MOST_SHOWN_BY_SILENCE ? NOTHING : settle(tail, position)),
    end() {
      const output = giveUp();
      joint.wipe();
      return output;
    },
  };

  function giveUp(): Uint8Array {
    const output = settle(tail, position);
    tail = NOTHING;
    return output;
  }
}

/** Where in the bytes so much text ends, with the sequences right behind it. */
function placeOf({ sequences }: Parted, length: number): number {
  let place = length;
  for (let index = 0; index < sequences.length && (sequences[index] as number) <= length; index += 3) {
    place += (sequences[index + 2] as number) - (sequences[index + 1] as number);
  }
  return place;
}
