import { codes } from './speller.ts';

// Each writes at `at`, and returns where the next one goes.

export const BACKSLASH = 0x5c;
export const BACKSLASH_U: Uint8Array = codes('\\u');

export function putByte(byte: number, out: Uint8Array, at: number): number {
  out[at] = byte;
  return at + 1;
}

export function put(bytes: Uint8Array, out: Uint8Array, at: number): number {
  for (let index = 0; index < bytes.length; index += 1) out[at + index] = bytes[index] as number;
  return at + bytes.length;
}

export function putUtf8(point: number, out: Uint8Array, at: number): number {
  if (point < 0x80) return putByte(point, out, at);
  const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  out[at] = ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more));
  for (let left = more; left > 0; left -= 1) out[at + more - left + 1] = 0x80 | ((point >> (6 * (left - 1))) & 0x3f);
  return at + more + 1;
}

export function putHex(value: number, digits: number, alphabet: Uint8Array, out: Uint8Array, at: number): number {
  for (let place = digits - 1, rest = value; place >= 0; place -= 1, rest >>= 4)
    out[at + place] = alphabet[rest & 15] as number;
  return at + digits;
}

export function digitsOf(value: number, base: 10 | 16): number {
  let digits = 1;
  for (let rest = value; rest >= base; rest = Math.floor(rest / base)) digits += 1;
  return digits;
}

export function putDecimal(value: number, out: Uint8Array, at: number): number {
  const digits = digitsOf(value, 10);
  for (let place = digits - 1, rest = value; place >= 0; place -= 1, rest = Math.floor(rest / 10))
    out[at + place] = 0x30 + (rest % 10);
  return at + digits;
}

/** `\uXXXX`, two of them for what is beyond the first plane (RFC 8259, section 7). */
export function putUnicode(
  point: number,
  alphabet: Uint8Array,
  out: Uint8Array,
  at: number,
  start = BACKSLASH_U,
): number {
  if (point < 0x10000) return putHex(point, 4, alphabet, out, put(start, out, at));
  const beyond = point - 0x10000;
  const next = putUnicode(0xd800 | (beyond >> 10), alphabet, out, at, start);
  return putUnicode(0xdc00 | (beyond & 0x3ff), alphabet, out, next, start);
}

/** The letter, or other character, that stands behind a backslash for each of these. */
export function lettersFor(characters: string, letters: string): ReadonlyMap<number, number> {
  return new Map([...characters].map((character, at) => [character.charCodeAt(0), letters.charCodeAt(at)]));
}
