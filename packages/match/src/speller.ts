/** One way in which programs write a value. */
export type SpellingKind =
  | 'raw'
  | 'line'
  | 'base64'
  | 'base64url'
  | 'base32'
  | 'hex'
  | 'percent'
  | 'percent-twice'
  | 'json'
  | 'json-twice'
  | 'unicode-escape'
  | 'hex-escape'
  | 'html'
  | 'shell'
  | 'utf-16le'
  | 'utf-16be';

/** A value to be spelled. */
export interface Subject {
  readonly bytes: Uint8Array;
  /** Its characters; undefined if it is no UTF-8. */
  readonly points: Uint32Array | undefined;
}

/**
 * Writes the value as `kind` has it into `out` at `start`, where there is room for it (`roomFor`), and
 * returns where it ends; `start` if the value can't be written so. What a beginning of the value gives
 * is a beginning of what all of it gives, but for the last ROOM bytes.
 */
export interface Speller {
  readonly kind: SpellingKind;
  readonly spell: (subject: Subject, out: Uint8Array, start: number) => number;
  /** Bytes that it writes in another way; what has none of them is left as it is. Without this: any. */
  readonly alters?: ByteSet;
}

/** 1 at each byte that is in it. */
export type ByteSet = Uint8Array;

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

export function setOf(text: string): ByteSet {
  const set = new Uint8Array(256);
  for (let at = 0; at < text.length; at += 1) set[text.charCodeAt(at)] = 1;
  return set;
}

/** All bytes that are not in it. */
export function allBut(set: ByteSet): ByteSet {
  const others = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte += 1) others[byte] = 1 - (set[byte] as number);
  return others;
}

export const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
export const LOWER = codes('0123456789abcdef');
export const UPPER = codes('0123456789ABCDEF');
