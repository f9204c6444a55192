import { SHORT } from './json.ts';
import { BACKSLASH, BACKSLASH_U, put, putByte, putHex, putUnicode, putUtf8 } from './put.ts';
import {
  bitsOf,
  byBytes,
  byCharacters,
  cautious,
  codes,
  either,
  LOWER,
  NOT_ASCII,
  type Speller,
  UNPRINTABLE,
  UPPER,
  type Write,
} from './speller.ts';

const QUOTE = 0x22;
const BACKSLASH_X = codes('\\x');
const BACKSLASH_LONG_U = codes('\\U');

// ---- \xNN

function hexEscape(alphabet: Uint8Array, keepsText: boolean): Speller {
  const write: Write = (byte, out, at) => {
    const short = keepsText && byte !== QUOTE ? SHORT.get(byte) : undefined;
    if (short !== undefined) return putByte(short, out, putByte(BACKSLASH, out, at));
    if (keepsText && byte >= 0x20 && byte < 0x7f) return putByte(byte, out, at);
    return putHex(byte, 2, alphabet, out, put(BACKSLASH_X, out, at));
  };
  return byBytes('hex-escape', write, keepsText ? either(bitsOf(codes('\\')), UNPRINTABLE) : undefined);
}

interface LiteralStyle {
  /** What is not ASCII by its code point: `\\xe9`, `\\u20ac`, `\\U0001f511`. */
  readonly ascii?: Uint8Array;
  /** The quote that has a backslash. */
  readonly quote?: string;
}

/** As Python's repr and ascii, Node's inspect, Perl's Dumper and YAML write a text. */
function literal({ ascii, quote }: LiteralStyle): Speller {
  const escaped = quote?.charCodeAt(0);
  const alphabet = ascii ?? LOWER;
  const write: Write = (point, out, at) => {
    if (point === escaped) return putByte(point, out, putByte(BACKSLASH, out, at));
    const short = point === QUOTE ? undefined : SHORT.get(point);
    if (short !== undefined) return putByte(short, out, putByte(BACKSLASH, out, at));
    if (point >= 0x20 && point < 0x7f) return putByte(point, out, at);
    if (point >= 0x80 && ascii === undefined) return putUtf8(point, out, at);
    if (point < 0x100) return putHex(point, 2, alphabet, out, put(BACKSLASH_X, out, at));
    if (point < 0x10000) return putHex(point, 4, alphabet, out, put(BACKSLASH_U, out, at));
    return putHex(point, 8, alphabet, out, put(BACKSLASH_LONG_U, out, at));
  };
  const altered = quote === undefined ? either(bitsOf(codes('\\')), UNPRINTABLE) : bitsOf(codes(quote));
  return byCharacters('hex-escape', write, ascii === undefined ? altered : NOT_ASCII);
}

function unicodeEscape(alphabet: Uint8Array): Write {
  return (point, out, at) => putUnicode(point, alphabet, out, at);
}

/** `\xNN` for what has no more digits. */
function shortEscape(alphabet: Uint8Array): Write {
  const putLong = unicodeEscape(alphabet);
  return (point, out, at) =>
    point < 0x100 ? putHex(point, 2, alphabet, out, put(BACKSLASH_X, out, at)) : putLong(point, out, at);
}

// ---- UTF-16

function utf16(littleEndian: boolean): Write {
  const putUnit = (unit: number, out: Uint8Array, at: number): number =>
    littleEndian
      ? putByte(unit >> 8, out, putByte(unit & 0xff, out, at))
      : putByte(unit & 0xff, out, putByte(unit >> 8, out, at));
  return (point, out, at) => {
    if (point < 0x10000) return putUnit(point, out, at);
    const beyond = point - 0x10000;
    return putUnit(0xdc00 | (beyond & 0x3ff), out, putUnit(0xd800 | (beyond >> 10), out, at));
  };
}

export function escapeSpellers(): Speller[] {
  return [
    byCharacters('unicode-escape', unicodeEscape(LOWER)),
    byCharacters('unicode-escape', unicodeEscape(UPPER)),
    hexEscape(LOWER, false),
    hexEscape(UPPER, false),
    hexEscape(LOWER, true),
    literal({}),
    literal({ quote: "'" }),
    literal({ ascii: LOWER }),
    literal({ ascii: LOWER, quote: "'" }),
    literal({ ascii: UPPER, quote: '"' }),
    cautious('unicode-escape', unicodeEscape(LOWER)),
    cautious('unicode-escape', unicodeEscape(UPPER)),
    cautious('hex-escape', shortEscape(LOWER)),
    cautious('hex-escape', shortEscape(UPPER)),
    byCharacters('utf-16le', utf16(true)),
    byCharacters('utf-16be', utf16(false)),
  ];
}
