import { BASE_N } from './base-n.ts';
import { escapeSpellers } from './escapes.ts';
import { type Heads, LONGEST_HEAD, type Longer } from './heads.ts';
import { htmlSpellers } from './html.ts';
import { jsonSpellers } from './json.ts';
import { percentSpellers } from './percent.ts';
import { quotingSpellers } from './quoting.ts';
import {
  bitsOf,
  codes,
  has,
  haveCommon,
  LETTERS_AND_DIGITS,
  ROOM,
  roomFor,
  type Speller,
  type SpellingKind,
  type Subject,
} from './speller.ts';
import { beginningOf, codePointsOf } from './utf8.ts';

/** A secret's name and its bytes, as the caller holds them. */
export interface NamedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Shorter values are not looked for: they would be found everywhere by chance. */
export const MIN_VALUE_BYTES = 7;

/** Shorter lines of a multi-line value (braces, `},`, base64's last line) say too little to be masked alone. */
const MIN_LINE_BYTES = 16;
/** With nothing shorter than 19 bytes to look for, the matcher looks at a word in sixteen bytes. */
const MIN_WRAPPED_LINE_BYTES = 20;

/** Lines are looked for up to this many bytes of the value. */
const MAX_LINES_BYTES = 256 * 1024;
const MAX_WRAPPED_BYTES = 32 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;
const BASE64_DIGITS = bitsOf(codes(`${LETTERS_AND_DIGITS}+/=`));
/** `-----BEGIN …` and `-----END …` (RFC 7468) are the same in everybody's keys. */
const ARMOUR = Uint8Array.of(0x2d, 0x2d, 0x2d, 0x2d, 0x2d);

const RAW = 0;
/** What they write is letters, digits, `+/=-_` and what stands in the value itself. */
const PLAIN_SPELLERS: readonly Speller[] = [
  { kind: 'raw', spell: copy },
  { kind: 'raw', spell: withNewlines(true), alters: bitsOf(codes('\n')) },
  { kind: 'raw', spell: withNewlines(false), alters: bitsOf(codes('\r')) },
  ...BASE_N,
];
/** The lines of base64(1), MIME (RFC 2045) and PEM (RFC 7468), of base32(1), and of `xxd -p` in both cases. */
const WRAPPED = (
  [
    ['base64', 76],
    ['base64', 64],
    ['base32', 76],
    ['hex', 60],
  ] as const
).flatMap(([kind, width]) =>
  PLAIN_SPELLERS.flatMap((speller, index) => (speller.kind === kind ? [{ kind, width, index }] : [])).filter(
    (_, at) => kind === 'hex' || at === 0,
  ),
);

/** Made when they are needed: that takes longer than to mask most texts. */
let allSpellers: readonly Speller[] | undefined;

function spellers(): readonly Speller[] {
  allSpellers ??= [
    ...PLAIN_SPELLERS,
    ...percentSpellers(),
    ...jsonSpellers(),
    ...escapeSpellers(),
    ...htmlSpellers(),
    ...quotingSpellers(),
  ];
  return allSpellers;
}

/** Of a long value's beginning this much is spelled: enough for a head in every spelling. */
const SPELLED_BYTES = LONGEST_HEAD + ROOM;

/**
 * Adds every byte string that gives a value away: the value without its final newlines (programs print
 * it without them) in all known encodings, and, since terminals, editors and base64(1) change line ends,
 * each longer line of a text of several lines, of a key within it, and of its base64, up to a bound. None if the value is
 * too short to be looked for. `value` is its index.
 */
export function addSpellings(heads: Heads, bytes: Uint8Array, value: number): void {
  addBy(spellers(), heads, bytes, value);
}

/** Of these only the ones that PLAIN_SPELLERS make; all others have a byte in them of which `isPlain` is not true. */
export function addPlainSpellings(heads: Heads, bytes: Uint8Array, value: number): void {
  addBy(PLAIN_SPELLERS, heads, bytes, value);
}

/** Printable ASCII that no escape begins with, and no encoding puts for another byte. */
export function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && !SIGNS.includes(byte);
}

const SIGNS = codes('%\\&+$\'"');

function addBy(list: readonly Speller[], heads: Heads, bytes: Uint8Array, value: number): void {
  const to = lengthWithoutNewlines(bytes, 0, bytes.length);
  if (to < MIN_VALUE_BYTES) return;
  const whole = bytes.subarray(0, to);
  const beginning = beginningOf(whole, SPELLED_BYTES);
  const subject = subjectOf(beginning);
  const present = bitsOf(whole);
  const since = heads.count;
  const room = roomFor(beginning.length);
  for (let speller = 0; speller < list.length; speller += 1) {
    const { kind, spell, alters } = list[speller] as Speller;
    if (alters !== undefined && !haveCommon(present, alters)) continue;
    heads.reserve(room);
    const end = spell(subject, heads.bytes, heads.used);
    const goesOn = beginning.length < to || end - heads.used > LONGEST_HEAD;
    heads.take(end, value, kind, since, goesOn ? { value, from: 0, to, speller } : undefined);
  }
  subject.points?.fill(0);
  addLines(heads, whole, value);
  addKeyLines(heads, whole, value);
  addWrappedLines(heads, whole, value);
}

/** All of a spelling that goes on beyond its head. */
export function wholeOf(value: Uint8Array, { from, to, speller }: Omit<Longer, 'value'>): Uint8Array {
  const bytes = value.subarray(from, to);
  const subject = subjectOf(bytes);
  const out = new Uint8Array(speller === RAW ? bytes.length : roomFor(bytes.length));
  const end = (PLAIN_SPELLERS[speller] ?? spellers()[speller])?.spell(subject, out, 0) ?? 0;
  subject.points?.fill(0);
  return out.slice(0, end);
}

function addLines(heads: Heads, whole: Uint8Array, value: number): void {
  // What has a NUL is no text: nobody prints it by lines.
  if (!whole.includes(NEWLINE) || whole.includes(0)) return;
  let bytes = 0;
  for (let from = 0; from < whole.length; ) {
    const newline = whole.indexOf(NEWLINE, from);
    const next = newline < 0 ? whole.length : newline;
    const to = lengthWithoutNewlines(whole, from, next);
    if (to - from >= MIN_LINE_BYTES && !isArmour(whole, from)) {
      bytes += to - from;
      if (bytes > MAX_LINES_BYTES) return;
      const goesOn = to - from > LONGEST_HEAD;
      addLine(heads, whole.subarray(from, to), value, 'line', goesOn ? { value, from, to, speller: RAW } : undefined);
    }
    from = next + 1;
  }
}

/**
 * A key in JSON, as of a service account, or in a variable has the two characters \\n for its line ends.
 * Who reads the JSON prints the key by itself, with line ends of any kind.
 */
function addKeyLines(heads: Heads, whole: Uint8Array, value: number): void {
  let bytes = 0;
  for (let at = whole.indexOf(BACKSLASH); at >= 0; at = whole.indexOf(BACKSLASH, at + 1)) {
    if (whole[at + 1] !== LETTER_N) continue;
    const from = at + 2;
    let to = from;
    while (to < whole.length && has(BASE64_DIGITS, whole[to] as number)) to += 1;
    if (to - from < MIN_LINE_BYTES || whole[to] !== BACKSLASH) continue;
    bytes += to - from;
    if (bytes > MAX_LINES_BYTES) return;
    const goesOn = to - from > LONGEST_HEAD;
    addLine(heads, whole.subarray(from, to), value, 'line', goesOn ? { value, from, to, speller: RAW } : undefined);
  }
}

/** The lines that tools make of an encoded value that does not fit on one. */
function addWrappedLines(heads: Heads, whole: Uint8Array, value: number): void {
  for (const { kind, width, index } of WRAPPED) {
    // In no encoding has a byte more than two digits.
    if (whole.length * 2 <= width) continue;
    const digits = wholeOf(whole, { from: 0, to: Math.min(whole.length, MAX_WRAPPED_BYTES), speller: index });
    for (let from = 0; digits.length > width && from + MIN_WRAPPED_LINE_BYTES <= digits.length; from += width) {
      addLine(heads, digits.subarray(from, from + width), value, kind, undefined);
    }
    digits.fill(0);
  }
}

function addLine(heads: Heads, line: Uint8Array, value: number, kind: SpellingKind, longer: Longer | undefined): void {
  heads.reserve(line.length);
  heads.bytes.set(line, heads.used);
  // Lines may be alike; that costs less than to look for it here.
  heads.take(heads.used + line.length, value, kind, heads.count, longer);
}

function copy({ bytes }: Subject, out: Uint8Array, start: number): number {
  out.set(bytes, start);
  return start + bytes.length;
}

/** The other kind of line ends, or none if there are no lines. */
function withNewlines(carriageReturns: boolean) {
  return ({ bytes }: Subject, out: Uint8Array, start: number): number => {
    let end = start;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === CARRIAGE_RETURN && bytes[at + 1] === NEWLINE) continue;
      if (byte === NEWLINE && carriageReturns) {
        out[end] = CARRIAGE_RETURN;
        end += 1;
      }
      out[end] = byte;
      end += 1;
    }
    return end;
  };
}

function lengthWithoutNewlines(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && (bytes[end - 1] === NEWLINE || bytes[end - 1] === CARRIAGE_RETURN)) end -= 1;
  return end;
}

function isArmour(value: Uint8Array, from: number): boolean {
  return ARMOUR.every((byte, at) => value[from + at] === byte);
}

function subjectOf(bytes: Uint8Array): Subject {
  let isAscii = true;
  for (let at = 0; at < bytes.length && isAscii; at += 1) isAscii = (bytes[at] as number) < 0x80;
  return { bytes, isAscii, points: isAscii ? undefined : codePointsOf(bytes) };
}
