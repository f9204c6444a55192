import { Followers } from './followers.ts';
import { LONGEST_HEAD } from './heads.ts';
import { type Before, beforeOf, type LineBreaks, NOTHING_BEFORE, readingsOf } from './line-breaks.ts';
import { eachLongest, lineBreaksOf, type Matcher, pendingLength } from './matcher.ts';
import { hasRow } from './rows.ts';
import { type Span, Spans } from './spans.ts';
import { bytesOf, eachBrokenPart, type Unwrapped, unwrap } from './unwrapped.ts';

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
  /** Of a long value the head stands in the text that is being looked at. */
  #metHead = false;
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
    this.#metHead = false;
    let found = this.#findAsIs(text, position, seen);
    for (const some of readingsOf(text, breaks)) if (this.#findAcross(text, some, position)) found = true;
    if (this.#unwrappedFollowers.areUnderWay || (breaks.length > 0 && this.#metHead)) {
      if (this.#followUnwrapped(text, breaks, position, seen)) found = true;
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
      if (longer.numbers.length > 0 && to > seen && this.#followers.met(pattern, from)) this.#metHead = true;
    });
    if (longer.numbers.length > 0) {
      this.#followers.goOn(text, position, seen, (start, end, value) => add(start, end, LONGEST_HEAD, value));
    }
    return found;
  }

  /** What has a line break in it, up to the length of a head. */
  #findAcross(text: Uint8Array, breaks: LineBreaks, position: number): boolean {
    const { owners, longer } = this.#matcher;
    let found = false;
    eachBrokenPart(text, breaks, LONGEST_HEAD, (part, within, start) => {
      const unwrapped = unwrap(part, within);
      const at = position + start;
      eachLongest(this.#matcher, unwrapped.bytes, (from, to, pattern) => {
        if (!unwrapped.isBroken(from, to - 1)) return;
        found = true;
        if (hasRow(longer, pattern)) this.#metHead = true;
        const [first, last] = [unwrapped.placeOf(from), unwrapped.placeOf(to - 1)];
        this.#spans.add(at + first, at + last + 1, to - from, this.#nameOf(owners[pattern] as number));
      });
      if (start + part.length === text.length) this.#holdBack(unwrapped, part.length);
    });
    return found;
  }

  /** Follows heads across line breaks, in all of the text. */
  #followUnwrapped(text: Uint8Array, breaks: LineBreaks, position: number, seen: number): boolean {
    const unwrapped = unwrap(text, breaks);
    const { bytes } = unwrapped;
    const seenOfBytes = seen - bytesOf(breaks, seen);
    const start = this.#unwrappedPosition - seenOfBytes;
    let found = false;
    eachLongest(this.#matcher, bytes, (from, to, pattern) => {
      if (to > seenOfBytes) this.#unwrappedFollowers.met(pattern, from);
    });
    this.#unwrappedFollowers.goOn(bytes, start, seenOfBytes, (from, to, value) => {
      if (to <= start) return;
      // What began in an earlier text has its mark there: this joins it.
      const first = from < start ? position - 1 : position + unwrapped.placeOf(from - start);
      const last = position + unwrapped.placeOf(to - start - 1);
      this.#spans.add(first, last + 1, LONGEST_HEAD, this.#nameOf(value));
      found = true;
    });
    this.#unwrappedPosition = start + bytes.length;
    // A line break at the end is held back with what it is in.
    if (this.#unwrappedFollowers.areUnderWay) {
      const broken = bytes.length === 0 ? text.length : text.length - unwrapped.placeOf(bytes.length - 1) - 1;
      this.#pending = Math.max(this.#pending, broken);
    }
    return found;
  }

  /** What ends the text may begin a value that goes on behind a line break. */
  #holdBack({ bytes, placeOf }: Unwrapped, length: number): void {
    const pending = pendingLength(this.#matcher, bytes);
    if (pending === 0) return;
    this.#pendingOfValue = Math.max(this.#pendingOfValue, pending);
    this.#pending = Math.max(this.#pending, length - placeOf(bytes.length - pending));
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
