import { type Follower, follow, makeFollower } from './follower.ts';
import { LONGEST_HEAD } from './heads.ts';
import { bytesOf, type Matcher } from './matcher.ts';
import { hasRow, rowsOf } from './rows.ts';
import { isSame } from './same-bytes.ts';
import { wholeOf } from './spellings.ts';

/** Tells how far a value goes whose head was found: [start, end) of the stream, and the value's index. */
export type OnFollowed = (start: number, end: number, value: number) => void;

interface Followed {
  readonly value: number;
  readonly follower: Follower;
}

/** Of one stream: the long spellings whose heads were met. A spelling is written out only then. */
export class Followers {
  readonly #matcher: Matcher;
  readonly #byPattern = new Map<number, readonly Followed[]>();
  /** Where heads begin in the text that is being looked at. */
  readonly #heads = new Map<number, number[]>();

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  /** One of them goes on where the text ended. */
  get areUnderWay(): boolean {
    for (const all of this.#byPattern.values()) if (all.some(({ follower }) => follower.seen > 0)) return true;
    return false;
  }

  /** Follows too what another follows and what began at `since` or later, at places that are by so much further. */
  join(other: Followers, since: number, further: number): void {
    for (const [pattern, theirs] of other.#byPattern) {
      for (const [index, { follower }] of theirs.entries()) {
        if (follower.seen === 0 || follower.start < since) continue;
        const own = this.#followed(pattern)[index]?.follower;
        if (own === undefined || own.seen > 0) continue;
        own.seen = follower.seen;
        own.start = follower.start + further;
      }
    }
  }

  /** A pattern was found in the text, at `start` of it. Whether that is a head. */
  met(pattern: number, start: number): boolean {
    const heads = this.#heads.get(pattern);
    if (heads !== undefined) heads.push(start);
    else if (hasRow(this.#matcher.longer, pattern)) this.#heads.set(pattern, [start]);
    else return false;
    return true;
  }

  /** Goes through `text`, which lies at `position` of the stream; up to `seen` it was gone through before. */
  goOn(text: Uint8Array, position: number, seen: number, followed: OnFollowed): void {
    for (const pattern of this.#heads.keys()) this.#followed(pattern);
    for (const [pattern, all] of this.#byPattern) {
      const starts = (this.#heads.get(pattern) ?? []).sort((a, b) => a - b);
      for (const { value, follower } of all) {
        let at = seen;
        const goOn = (from: number): void => {
          at = follow(follower, text, from, LONGEST_HEAD);
          followed(follower.start, position + at, value);
        };
        if (follower.seen > 0) goOn(seen);
        for (const start of starts) {
          // While one is followed, the others in it are too.
          if (follower.seen > 0) break;
          if (start + LONGEST_HEAD <= at) continue;
          follower.seen = LONGEST_HEAD;
          follower.start = position + start;
          goOn(start + LONGEST_HEAD);
        }
      }
    }
    this.#heads.clear();
  }

  #followed(pattern: number): readonly Followed[] {
    const known = this.#byPattern.get(pattern);
    if (known !== undefined) return known;
    const made = this.#make(pattern);
    this.#byPattern.set(pattern, made);
    return made;
  }

  #make(pattern: number): readonly Followed[] {
    const all: Followed[] = [];
    for (const way of rowsOf(this.#matcher.longer, pattern)) {
      const [value, from, to, speller] = way as unknown as [number, number, number, number];
      const whole = wholeOf(bytesOf(this.#matcher, value), { from, to, speller });
      const isKnown = all.some(({ follower }) => isSame(follower.whole, whole));
      if (whole.length > LONGEST_HEAD && !isKnown) all.push({ value, follower: makeFollower(whole) });
    }
    return all;
  }
}
