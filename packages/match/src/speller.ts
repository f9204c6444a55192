/** The ways in which programs write a value. */
export const SPELLING_KINDS = [
  'raw',
  'line',
  'base64',
  'base64url',
  'base32',
  'hex',
  'percent',
  'percent-twice',
  'json',
  'json-twice',
  'unicode-escape',
  'hex-escape',
  'html',
  'shell',
  'backslash',
  'utf-16le',
  'utf-16be',
] as const;

export type SpellingKind = (typeof SPELLING_KINDS)[number];

/** A value to be spelled. */
export interface Subject {
  readonly bytes: Uint8Array;
  /** Its characters; undefined if it is no UTF-8. */
  readonly points: Uint32Array | undefined;
  /** Every byte is a character. */
  readonly isAscii: boolean;
}

/** Writes one byte or character at `at`, and returns where the next one goes. */
export type Write = (code: number, out: Uint8Array, at: number) => number;

/**
 * Writes the value as `kind` has it into `out` at `start`, where there is room for it (`roomFor`), and
 * returns where it ends; `start` if the value can't be written so. What a beginning of the value gives
 * is a beginning of what all of it gives, but for the last ROOM bytes.
 */
export interface Speller {
  readonly kind: SpellingKind;
  readonly spell: (subject: Subject, out: Uint8Array, start: number) => number;
  /** Bytes that it writes in another way; what has none of them is left as it is. Without this: any. */
  readonly alters?: ByteBits;
}

/** A set of bytes, a bit each. */
export type ByteBits = Int32Array;

/** No spelling takes more bytes than this for a byte. */
export const ROOM = 16;

export function roomFor(bytes: number): number {
  return bytes * ROOM + ROOM;
}

/** ASCII only. */
export function codes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

export function bitsOf(bytes: Uint8Array): ByteBits {
  const bits = new Int32Array(8);
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    bits[byte >> 5] = (bits[byte >> 5] as number) | (1 << byte);
  }
  return bits;
}

export function has(bits: ByteBits, byte: number): boolean {
  return (((bits[byte >> 5] as number) >>> byte) & 1) === 1;
}

export function haveCommon(a: ByteBits, b: ByteBits): boolean {
  let common = 0;
  for (let word = 0; word < 8; word += 1) common |= (a[word] as number) & (b[word] as number);
  return common !== 0;
}

export function either(a: ByteBits, b: ByteBits): ByteBits {
  return a.map((word, at) => word | (b[at] as number));
}

/** All bytes that are not in it. */
export function allBut(bits: ByteBits): ByteBits {
  return bits.map((word) => ~word);
}

export const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
export const LOWER = codes('0123456789abcdef');
export const UPPER = codes('0123456789ABCDEF');

/** Control characters, DEL and what is not ASCII. */
export const UNPRINTABLE: ByteBits = Int32Array.of(-1, 0, 0, 1 << 31, -1, -1, -1, -1);
export const NOT_ASCII: ByteBits = Int32Array.of(0, 0, 0, 0, -1, -1, -1, -1);

/** Byte by byte. */
export function byBytes(kind: SpellingKind, write: Write, alters?: ByteBits): Speller {
  const writeAll = writer(write, 256);
  const spell: Speller['spell'] = ({ bytes }, out, start) => writeAll(bytes, out, start);
  return alters === undefined ? { kind, spell } : { kind, spell, alters };
}

/** Character by character. */
export function byCharacters(kind: SpellingKind, write: Write, alters?: ByteBits): Speller {
  const writeAscii = writer(write, 128);
  const spell: Speller['spell'] = ({ bytes, points, isAscii }, out, start) => {
    if (isAscii) return writeAscii(bytes, out, start);
    let at = start;
    for (let index = 0; index < (points?.length ?? 0); index += 1) at = write(points?.[index] as number, out, at);
    return at;
  };
  return alters === undefined ? { kind, spell } : { kind, spell, alters };
}

const CAUTIOUS = allBut(bitsOf(codes(LETTERS_AND_DIGITS)));

/** All but letters and digits as `write` has them, as OWASP's encoders for HTML, CSS and JavaScript do. */
export function cautious(kind: SpellingKind, write: Write): Speller {
  const unlessPlain: Write = (point, out, at) => {
    if (point >= 0x80 || has(CAUTIOUS, point)) return write(point, out, at);
    out[at] = point;
    return at + 1;
  };
  return byCharacters(kind, unlessPlain, CAUTIOUS);
}

/** A table is worth its making from so many values on. */
const TABLE_FROM = 12;

function writer(write: Write, size: 128 | 256) {
  let calls = 0;
  let table: ByteTable | undefined;
  return (bytes: Uint8Array, out: Uint8Array, start: number): number => {
    calls += 1;
    if (calls >= TABLE_FROM) {
      table ??= makeTable(write, size);
      return writeByTable(table, bytes, out, start);
    }
    let at = start;
    for (let index = 0; index < bytes.length; index += 1) at = write(bytes[index] as number, out, at);
    return at;
  };
}

/** What is written for each byte: `codes` from `starts[byte]` to `starts[byte + 1]`. One loop for all spellers is compiled soon. */
interface ByteTable {
  readonly codes: Uint8Array;
  readonly starts: Uint16Array;
}

function makeTable(write: Write, size: 128 | 256): ByteTable {
  const codes = new Uint8Array(size * ROOM);
  const starts = new Uint16Array(size + 1);
  for (let byte = 0; byte < size; byte += 1) starts[byte + 1] = write(byte, codes, starts[byte] as number);
  return { codes, starts };
}

function writeByTable({ codes, starts }: ByteTable, bytes: Uint8Array, out: Uint8Array, start: number): number {
  let at = start;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number;
    const end = starts[byte + 1] as number;
    for (let code = starts[byte] as number; code < end; code += 1) {
      out[at] = codes[code] as number;
      at += 1;
    }
  }
  return at;
}
