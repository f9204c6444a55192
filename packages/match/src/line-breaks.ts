import { LONGEST_HEAD } from './heads.ts';
import { bitsOf, codes, has, LETTERS_AND_DIGITS } from './speller.ts';

/** Digits of base64, base64url, base32 and hex, but for the padding: that is the end, and a ruler in most texts. */
const DIGITS = bitsOf(codes(`${LETTERS_AND_DIGITS}+/-_`));
const IS_DIGIT = Uint8Array.from({ length: 256 }, (_, byte) => Number(has(DIGITS, byte)));
/** Tools that wrap what they encode make lines of 60, 64 or 76 digits; shorter ones are most often no such lines. */
export const LEAST_DIGITS = 60;
/** The indentation of the next line with it. */
const MOST_BREAK_BYTES = 64;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BACKSLASH = 0x5c;
/** What may go on with a line break. */
const GOES_ON = bitsOf(codes(' \t\n\r\\'));
const WHITE_SPACE = bitsOf(codes(' \t\n\r'));
/** Behind a backslash they are an escape of one. */
const ESCAPED = bitsOf(codes('nrt'));

/** The longest stretch of a text that a head can take where line breaks are left out of it. */
export const LONGEST_BROKEN_HEAD = LONGEST_HEAD + (1 + Math.ceil(LONGEST_HEAD / LEAST_DIGITS)) * MOST_BREAK_BYTES;

/** What lies right before a place of a stream; of all but a few places neither. */
export interface Before {
  /** So many digits without anything between them, up to LEAST_DIGITS. */
  readonly digits: number;
  /** So many bytes of a line break. */
  readonly broken: number;
  /** The last of them is a backslash. */
  readonly isEscaping: boolean;
}

export const NOTHING_BEFORE: Before = { digits: 0, broken: 0, isEscaping: false };

/** Start and end of each line break in a text, one after the other. */
export type LineBreaks = readonly number[];

const NONE: LineBreaks = [];

/** As a `WordFinder` has it: sees at once where so many digits can't end. */
export interface DenseFinder {
  eachDenseEnd(text: Uint8Array, tell: (place: number) => void): boolean;
}

/**
 * Where what was encoded is broken into lines: a line end right behind LEAST_DIGITS digits or more, as it is or as strings of
 * programs and JSON have it (`\\n`), with the white space and the escapes that follow it, up to MOST_BREAK_BYTES. What it is hangs
 * on the bytes before it alone, not on how the stream is cut: so any backslash there begins one.
 */
export function lineBreaksIn(text: Uint8Array, before: Before, finder?: DenseFinder): LineBreaks {
  const { digits, broken } = before;
  const { length } = text;
  let breaks: number[] | undefined;
  /** Takes the line break at `at`, of which `earlier` bytes came earlier, and returns where it ends. */
  const take = (at: number, earlier: number): number => {
    let end = at;
    let isEscaping = earlier > 0 && before.isEscaping;
    while (end < length && end - at + earlier < MOST_BREAK_BYTES) {
      const byte = text[end] as number;
      if (!has(GOES_ON, byte) && !(isEscaping && has(ESCAPED, byte))) break;
      isEscaping = byte === BACKSLASH;
      end += 1;
    }
    if (end > at) {
      breaks ??= [];
      breaks.push(at, end);
    }
    return end;
  };
  let from = 0;
  if (broken > 0) {
    from = take(0, broken);
  } else if (digits > 0) {
    while (from < length && IS_DIGIT[text[from] as number] === 1) from += 1;
    if (digits + from >= LEAST_DIGITS && isLineEnd(text[from])) from = take(from, 0);
  }
  const isDone = finder?.eachDenseEnd(text, (place) => {
    let end = Math.max(place, from);
    while (end < length && IS_DIGIT[text[end] as number] === 1) end += 1;
    if (isLineEnd(text[end]) && end - from >= LEAST_DIGITS && isAllDigits(text, end - LEAST_DIGITS, end)) {
      from = take(end, 0);
    }
  });
  if (isDone !== true) {
    eachEndOfDigits(text, from, (end) => (isLineEnd(text[end]) ? take(end, 0) : end));
  }
  return breaks ?? NONE;
}

function isAllDigits(text: Uint8Array, from: number, to: number): boolean {
  let at = to - 1;
  while (at >= from && IS_DIGIT[text[at] as number] === 1) at -= 1;
  return at < from;
}

/**
 * Tells where LEAST_DIGITS digits or more end; it is told from where to go on. Boyer and Moore's way (CACM 20(10), 1977):
 * looked at from its end, most stretches of so many bytes need a few looks.
 */
function eachEndOfDigits(text: Uint8Array, from: number, goOnFrom: (end: number) => number): void {
  const { length } = text;
  let end = from + LEAST_DIGITS;
  let known = from;
  while (end <= length) {
    let at = end - 1;
    while (at >= known && IS_DIGIT[text[at] as number] === 1) at -= 1;
    if (at >= known) {
      known = end;
      end = at + 1 + LEAST_DIGITS;
      continue;
    }
    while (end < length && IS_DIGIT[text[end] as number] === 1) end += 1;
    known = goOnFrom(end);
    end = known + LEAST_DIGITS;
  }
}

/**
 * With which line breaks left out a text is to be read: all of them, and where there are escapes among them once more with those alone
 * that are white space, since a backslash may also belong to what was broken into lines. None where there are no line breaks.
 */
export function readingsOf(text: Uint8Array, breaks: LineBreaks): readonly LineBreaks[] {
  if (breaks.length === 0) return [];
  const plain: number[] = [];
  let hasEscapes = false;
  for (let index = 0; index < breaks.length; index += 2) {
    const from = breaks[index] as number;
    const end = breaks[index + 1] as number;
    let to = from;
    while (to < end && has(WHITE_SPACE, text[to] as number)) to += 1;
    if (to > from) plain.push(from, to);
    hasEscapes ||= to < end;
  }
  return hasEscapes && plain.length > 0 ? [breaks, plain] : [breaks];
}

/** Those that do not stand behind a ruler (`-----`, `/////`): in most texts these are all. */
export function withoutRulers(text: Uint8Array, breaks: LineBreaks): LineBreaks {
  return breaks.filter((_, index) => !isBehindRuler(text, breaks[index - (index % 2)] as number));
}

function isBehindRuler(text: Uint8Array, end: number): boolean {
  let at = end - 2;
  while (at >= end - LEAST_DIGITS && text[at] === text[end - 1]) at -= 1;
  return at < end - LEAST_DIGITS;
}

/** What lies before the place `at` of the text of which these are the line breaks, and before which `before` lies. */
export function beforeOf(text: Uint8Array, breaks: LineBreaks, before: Before, at: number): Before {
  let index = breaks.length - 2;
  while (index >= 0 && (breaks[index] as number) >= at) index -= 2;
  const from = index < 0 ? 0 : (breaks[index] as number);
  const to = index < 0 ? 0 : (breaks[index + 1] as number);
  if (at === 0) return before;
  if (to >= at) {
    const broken = at - from + (from === 0 ? before.broken : 0);
    return { digits: 0, broken, isEscaping: text[at - 1] === BACKSLASH };
  }
  let digits = 0;
  while (digits < LEAST_DIGITS && at - digits > to && IS_DIGIT[text[at - digits - 1] as number] === 1) digits += 1;
  if (digits === at) digits = Math.min(LEAST_DIGITS, digits + before.digits);
  return digits === 0 ? NOTHING_BEFORE : { ...NOTHING_BEFORE, digits };
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === NEWLINE || byte === CARRIAGE_RETURN || byte === BACKSLASH;
}
