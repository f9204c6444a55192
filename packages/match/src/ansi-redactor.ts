import { AnsiSequences, type Parted } from './ansi-sequences.ts';
import { BinaryStretches } from './binary-stretches.ts';
import { joinBytes } from './join-bytes.ts';
import { Joint } from './joint.ts';
import { LONGEST_BROKEN_HEAD } from './line-breaks.ts';
import type { Matcher } from './matcher.ts';
import {
  MOST_SHOWN_BY_SILENCE,
  makePlainRedactor,
  makeRedactor,
  markOf,
  type PlainRedactor,
  type Redactor,
  type Unfinished,
} from './redactor.ts';

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
 * @param isWiped from when on the matcher is: what comes after that is not shown
 */
export function makeAnsiRedactor(matcher: Matcher, isWiped?: () => boolean): Redactor {
  const redactor = matcher.empty ? makeRedactor(matcher) : makeLookingRedactor(matcher);
  if (isWiped === undefined) return redactor;
  const unlessWiped = (deed: () => Uint8Array): Uint8Array => (isWiped() ? NOTHING : deed());
  return {
    push: (chunk, room) => unlessWiped(() => redactor.push(chunk, room)),
    idle: () => unlessWiped(() => redactor.idle()),
    end: () => unlessWiped(() => redactor.end()),
    memory: (bytes) => (isWiped() ? undefined : redactor.memory(bytes)),
  };
}

function makeLookingRedactor(matcher: Matcher): Redactor {
  const plain = makePlainRedactor(matcher);
  const shown = makeShownText(plain);
  const stretches = new BinaryStretches();
  const pushPart = (part: Uint8Array, isBinary: boolean, room: number): Uint8Array => {
    const output = shown.push(part, isBinary, room);
    return plain.push(output, shown.room());
  };
  return {
    push: (chunk, room = 0) => {
      if (stretches.areText(chunk)) return pushPart(chunk, false, room);
      const outputs: Uint8Array[] = [];
      stretches.each(chunk, (part, isBinary) => {
        const output = pushPart(part, isBinary, part === chunk ? room : 0);
        // What was given out lies in memory that the next part may use.
        if (output.length > 0) outputs.push(part === chunk ? output : Uint8Array.from(output));
      });
      return joinBytes(outputs);
    },
    idle: () => {
      const released = shown.idle();
      return released.length === 0 ? plain.idle() : both(plain.push(released), () => plain.idle());
    },
    end: () => both(plain.push(shown.end()), () => plain.end()),
    memory: (bytes) => plain.memory(bytes),
  };
}

/** What the first call returned is good until the next call. */
function both(first: Uint8Array, next: () => Uint8Array): Uint8Array {
  const kept = Uint8Array.from(first);
  return joinBytes([kept, next()]);
}

/** As a `Redactor`, for one part of the stream at a time; what it returns goes to the plain redactor. */
interface ShownText extends Pick<Redactor, 'idle' | 'end'> {
  push(part: Uint8Array, isBinary: boolean, room: number): Uint8Array;
  /** Before what the last push returned. */
  room(): number;
}

function makeShownText(plain: PlainRedactor): ShownText {
  const parser = new AnsiSequences();
  const encoder = new TextEncoder();
  const joint = new Joint();
  /** From a sequence on, up to where it makes no difference any more. Elsewhere all of it is the plain redactor's work. */
  let isLooking = false;
  /**
   * What the plain redactor knew: up to `settled` the text that is shown has been returned, up to `position` it has been
   * seen; the tail is a copy of the last text, which may be the beginning of a value.
   */
  let { spans, settled, position, tail }: Unfinished = plain.handOver();
  let roomBefore = 0;
  /** Those not returned yet. */
  let sequences: Sequence[] = [];
  const later: Sequence[] = [];
  /** The place of the last one. */
  let lastSequence = 0;

  /**
   * Whether nothing goes on beyond that place that has a sequence in it, or a mark: not as text that is shown, nor as the
   * plain redactor sees it. Then it makes no difference who looks for what comes.
   */
  function isOverAt(place: number): boolean {
    const before = place - LONGEST_BROKEN_HEAD;
    return sequences.length === 0 && lastSequence <= before && spans.areOverAt(before) && !plain.isFollowing();
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

  function push(bytes: Uint8Array, isBinary: boolean, room: number): Uint8Array {
    if (isBinary) parser.reset();
    const parted = isBinary ? undefined : parser.part(bytes);
    roomBefore = room;
    if (!isLooking) {
      if (parted === undefined) return bytes;
      isLooking = true;
      ({ spans, settled, position, tail } = plain.handOver());
    } else if (isBinary) {
      return withAll(giveUp(), bytes);
    }
    return look(bytes, parted, room);
  }

  function look(bytes: Uint8Array, parted: Parted | undefined, room: number): Uint8Array {
    const added = parted?.text ?? bytes;
    const text = joint.join(tail, added, parted === undefined ? room : 0);
    const before = position;
    if (parted) lastSequence = before + (parted.sequences.at(-3) ?? 0);
    position += added.length;
    const found = spans.findIn(text, position - text.length, tail.length);
    const { pending } = spans;
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
    if (parted === undefined && isOverAt(position - pending)) return withAll(output, tail);
    const held = sequences.reduce((sum, one) => sum + one.bytes.length, 0);
    if (held <= MOST_HELD) return output;
    roomBefore = 0;
    return both(output, giveUp);
  }

  /** From here on it is the plain redactor's work. */
  function withAll(output: Uint8Array, rest: Uint8Array): Uint8Array {
    isLooking = false;
    tail = NOTHING;
    if (rest.length > 0) roomBefore = 0;
    return joinBytes([output, rest]);
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
    push,
    // What is shown stays the beginning of a value, if it is one.
    idle: () => (!isLooking || spans.pendingOfValue > MOST_SHOWN_BY_SILENCE ? NOTHING : settle(tail, position)),
    end() {
      const output = isLooking ? giveUp() : NOTHING;
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
