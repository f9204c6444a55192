import { Followers } from './followers.ts';
import { LONGEST_HEAD } from './heads.ts';
import { eachLongest, type Matcher } from './matcher.ts';
import { type Span, Spans } from './spans.ts';

/** Where values stand in one stream. */
export class ValueSpans {
  readonly #matcher: Matcher;
  readonly #spans = new Spans();
  readonly #followers: Followers;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
    this.#followers = new Followers(matcher);
  }

  /** Looks through `text`, which lies at `position` of the stream; up to `seen` it was looked through before. Whether there was anything. */
  findIn(text: Uint8Array, position: number, seen: number): boolean {
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

  /** Whether nothing goes on beyond that place, as far as is known. */
  areOverAt(position: number): boolean {
    return this.#spans.areTakenBefore(position) && !this.isFollowing;
  }

  get isFollowing(): boolean {
    return this.#followers.areUnderWay;
  }

  /** As `Spans` has it. */
  takenUntil(): number {
    return this.#spans.takenUntil();
  }

  /** As `Spans` has it. */
  takeBefore(until: number): readonly Span[] {
    return this.#spans.takeBefore(until);
  }

  #nameOf(value: number): string {
    return this.#matcher.names[value]?.[0] as string;
  }
}
