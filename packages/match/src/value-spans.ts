import { Followers } from './followers.ts';
import { LONGEST_HEAD } from './heads.ts';
import { type Before, beforeOf, type LineBreaks, NOTHING_BEFORE } from './line-breaks.ts';
import { eachLongest, lineBreaksOf, type Matcher, pendingLength } from './matcher.ts';
import { type Span, Spans } from './spans.ts';
import { bytesOf, type Unwrapped, unwrap } from './unwrapped.ts';

/**
 * Where values stand in one stream: in the text as it is, and in the text without the line breaks of what was encoded in
 * lines, because such a line may end within a value.
 */
export class ValueSpans {
  readonly #matcher: Matcher;
  readonly #spans = new Spans();
  readonly #followers: Followers;
  /** Of the text without its line breaks. */
  readonly #unwrappedFollowers: Followers;
  /** How much of that they have seen. */
  #unwrappedPosition = 0;
  /** Where the last line break ended. */
  #lastBreak = 0;
  /** What lies before the bytes that are pending, and before what comes. */
  #beforePending = NOTHING_BEFORE;
  #before = NOTHING_BEFORE;
  #pending = 0;
  #pendingOfValue = 0;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
    this.#followers = new Followers(matcher);
    this.#unwrappedFollowers = new Followers(matcher);
  }

  /**
   * Looks through `text`, which lies at `position` of the stream; its first `seen` bytes are those that were pending, or
   * none. Whether there was anything.
   */
  findIn(text: Uint8Array, position: number, seen: number): boolean {
    const before = seen > 0 ? this.#beforePending : this.#before;
    this.#pending = pendingLength(this.#matcher, text);
    this.#pendingOfValue = this.#pending;
    const breaks = lineBreaksOf(this.#matcher, text, before);
    // What began in lines without a break is followed across the first one, too.
    if (breaks.length > 0) {
      const further = this.#unwrappedPosition - position - seen;
      this.#unwrappedFollowers.join(this.#followers, this.#lastBreak, further);
      this.#lastBreak = position + (breaks.at(-1) as number);
    }
    let found = this.#findAsIs(text, position, seen);
    if (breaks.length > 0 || this.#unwrappedFollowers.areUnderWay) {
      if (this.#findUnwrapped(text, breaks, position, seen)) found = true;
    }
    this.#remember(text, breaks, before);
    return found;
  }

  /** How many of the last text's last bytes may be the beginning of a value that goes on beyond it. */
  get pending(): number {
    return this.#pending;
  }

  /** The same without line breaks. */
  get pendingOfValue(): number {
    return this.#pendingOfValue;
  }

  /** Whether nothing goes on beyond that place, as far as is known. */
  areOverAt(position: number): boolean {
    return this.#spans.areTakenBefore(position) && !this.isFollowing;
  }

  get isFollowing(): boolean {
    return this.#followers.areUnderWay || this.#unwrappedFollowers.areUnderWay;
  }

  /** As `Spans` has it. */
  takenUntil(): number {
    return this.#spans.takenUntil();
  }

  /** As `Spans` has it. */
  takeBefore(until: number): readonly Span[] {
    return this.#spans.takeBefore(until);
  }

  #findAsIs(text: Uint8Array, position: number, seen: number): boolean {
    const { owners, longer } = this.#matcher;
    let found = false;
    const add = (start: number, end: number, known: number, value: number): void => {
      found = true;
      this.#spans.add(start, end, known, this.#nameOf(value));
    };
    eachLongest(this.#matcher, text, (from, to, pattern) => {
      add(position + from, position + to, to - from, owners[pattern] as number);
      if (longer.numbers.length > 0 && to > seen) this.#followers.met(pattern, from);
    });
    if (longer.numbers.length > 0) {
      this.#followers.goOn(text, position, seen, (start, end, value) => add(start, end, LONGEST_HEAD, value));
    }
    return found;
  }

  /** The same in the text without its line breaks: what has none in it was found before. */
  #findUnwrapped(text: Uint8Array, breaks: LineBreaks, position: number, seen: number): boolean {
    const { owners, longer } = this.#matcher;
    const unwrapped = unwrap(text, breaks);
    const { bytes } = unwrapped;
    const seenOfBytes = seen - bytesOf(breaks, seen);
    let found = false;
    const add = (from: number, to: number, known: number, value: number): void => {
      if (to <= 0) return;
      // What began in an earlier text has its mark there: this joins it.
      const start = from < 0 ? position - 1 : position + unwrapped.placeOf(from);
      this.#spans.add(start, position + unwrapped.placeOf(to - 1) + 1, known, this.#nameOf(value));
      found = true;
    };
    eachLongest(this.#matcher, bytes, (from, to, pattern) => {
      if (unwrapped.isBroken(from, to - 1)) add(from, to, to - from, owners[pattern] as number);
      if (longer.numbers.length > 0 && to > seenOfBytes) this.#unwrappedFollowers.met(pattern, from);
    });
    const start = this.#unwrappedPosition - seenOfBytes;
    if (longer.numbers.length > 0) {
      this.#unwrappedFollowers.goOn(bytes, start, seenOfBytes, (from, to, value) =>
        add(from - start, to - start, LONGEST_HEAD, value),
      );
    }
    this.#unwrappedPosition = start + bytes.length;
    this.#pending = Math.max(this.#pending, this.#pendingOf(unwrapped, text.length));
    return found;
  }

  /** A line break at the end is pending with what it is in. */
  #pendingOf({ bytes, placeOf }: Unwrapped, length: number): number {
    const pending = pendingLength(this.#matcher, bytes);
    this.#pendingOfValue = Math.max(this.#pendingOfValue, pending);
    if (pending > 0) return length - placeOf(bytes.length - pending);
    if (!this.#unwrappedFollowers.areUnderWay) return 0;
    return bytes.length === 0 ? length : length - placeOf(bytes.length - 1) - 1;
  }

  #remember(text: Uint8Array, breaks: LineBreaks, before: Before): void {
    this.#before = beforeOf(text, breaks, before, text.length);
    this.#beforePending =
      this.#pending === 0 ? this.#before : beforeOf(text, breaks, before, text.length - this.#pending);
  }

  #nameOf(value: number): string {
    return this.#matcher.names[value]?.[0] as string;
  }
}
