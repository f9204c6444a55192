import {
  allBut,
  type ByteBits,
  bitsOf,
  byBytes,
  byCharacters,
  codes,
  has,
  LETTERS_AND_DIGITS,
  LOWER,
  type Speller,
  type SpellingKind,
  UPPER,
  type Write,
} from './speller.ts';

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const BACKSLASH_U = codes('\\u');
const TWO_BACKSLASHES_U = codes('\\\\u');
const BACKSLASH_X = codes('\\x');
const BACKSLASH_LONG_U = codes('\\U');

function putByte(byte: number, out: Uint8Array, at: number): number {
  out[at] = byte;
  return at + 1;
}

function put(bytes: Uint8Array, out: Uint8Array, at: number): number {
  for (let index = 0; index < bytes.length; index += 1) out[at + index] = bytes[index] as number;
  return at + bytes.length;
}

function putUtf8(point: number, out: Uint8Array, at: number): number {
  if (point < 0x80) return putByte(point, out, at);
  const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  out[at] = ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more));
  for (let left = more; left > 0; left -= 1) out[at + more - left + 1] = 0x80 | ((point >> (6 * (left - 1))) & 0x3f);
  return at + more + 1;
}

function putHex(value: number, digits: number, alphabet: Uint8Array, out: Uint8Array, at: number): number {
  for (let place = digits - 1, rest = value; place >= 0; place -= 1, rest >>= 4)
    out[at + place] = alphabet[rest & 15] as number;
  return at + digits;
}

function digitsOf(value: number, base: 10 | 16): number {
  let digits = 1;
  for (let rest = value; rest >= base; rest = Math.floor(rest / base)) digits += 1;
  return digits;
}

function putDecimal(value: number, out: Uint8Array, at: number): number {
  const digits = digitsOf(value, 10);
  for (let place = digits - 1, rest = value; place >= 0; place -= 1, rest = Math.floor(rest / 10))
    out[at + place] = 0x30 + (rest % 10);
  return at + digits;
}

/** `\uXXXX`, two of them for what is beyond the first plane (RFC 8259, section 7). */
function putUnicode(point: number, alphabet: Uint8Array, out: Uint8Array, at: number, start = BACKSLASH_U): number {
  if (point < 0x10000) return putHex(point, 4, alphabet, out, put(start, out, at));
  const beyond = point - 0x10000;
  const next = putUnicode(0xd800 | (beyond >> 10), alphabet, out, at, start);
  return putUnicode(0xdc00 | (beyond & 0x3ff), alphabet, out, next, start);
}

/** Control characters, DEL and what is not ASCII. */
const UNPRINTABLE: ByteBits = Int32Array.of(-1, 0, 0, 1 << 31, -1, -1, -1, -1);

const NOT_ASCII: ByteBits = Int32Array.of(0, 0, 0, 0, -1, -1, -1, -1);

function either(a: ByteBits, b: ByteBits): ByteBits {
  return a.map((word, at) => word | (b[at] as number));
}

// ---- JSON, and JSON in a JSON string

/** By character: the letter after the backslash. */
const SHORT = new Map(
  [...'\b\f\n\r\t"\\'].map((character, at) => [character.charCodeAt(0), 'bfnrt"\\'.charCodeAt(at)]),
);

interface JsonStyle {
  /** Like Python's and PHP's: what is not ASCII as \uXXXX. */
  readonly ascii?: boolean;
  /** Like PHP's: `\/`. */
  readonly slash?: boolean;
  /** Like Go's: `<`, `>` and `&` as \u003c and so on. */
  readonly html?: boolean;
  readonly twice?: boolean;
}

function json({ ascii = false, slash = false, html = false, twice = false }: JsonStyle): Speller {
  const backslash = (out: Uint8Array, at: number): number =>
    putByte(BACKSLASH, out, twice ? putByte(BACKSLASH, out, at) : at);
  const write: Write = (point, out, at) => {
    const short = SHORT.get(point) ?? (slash && point === 0x2f ? point : undefined);
    if (short !== undefined) {
      const next = backslash(out, at);
      return putByte(
        short,
        out,
        twice && (short === QUOTE || short === BACKSLASH) ? putByte(BACKSLASH, out, next) : next,
      );
    }
    const isHtml = html && (point === 0x3c || point === 0x3e || point === 0x26);
    if (point >= 0x20 && !isHtml && !(ascii && point > 0x7e)) return putUtf8(point, out, at);
    return putUnicode(point, LOWER, out, at, twice ? TWO_BACKSLASHES_U : BACKSLASH_U);
  };
  const altered = bitsOf(codes(`"\\${slash ? '/' : ''}${html ? '<>&' : ''}`));
  return byCharacters(twice ? 'json-twice' : 'json', write, either(altered, UNPRINTABLE));
}

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

// ---- HTML and XML

function html(references: Readonly<Record<string, string>>): Speller {
  const known = new Map(Object.entries(references).map(([from, to]) => [from.charCodeAt(0), codes(to)]));
  const write: Write = (point, out, at) => {
    const reference = known.get(point);
    return reference === undefined ? putUtf8(point, out, at) : put(reference, out, at);
  };
  return byCharacters('html', write, bitsOf(codes(Object.keys(references).join(''))));
}

const MARKUP = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const REFERENCE = codes('&#');
const HEX_REFERENCE = codes('&#x');
const SEMICOLON = 0x3b;

const putDecimalReference: Write = (point, out, at) =>
  putByte(SEMICOLON, out, putDecimal(point, out, put(REFERENCE, out, at)));

function hexReference(alphabet: Uint8Array): Write {
  return (point, out, at) =>
    putByte(SEMICOLON, out, putHex(point, digitsOf(point, 16), alphabet, out, put(HEX_REFERENCE, out, at)));
}

/** What is not ASCII as a number, as libxml, ElementTree and Python's xmlcharrefreplace have it. */
function asciiHtml(references: Readonly<Record<string, string>>, putReference: Write): Speller {
  const known = new Map(Object.entries(references).map(([from, to]) => [from.charCodeAt(0), codes(to)]));
  const write: Write = (point, out, at) => {
    if (point >= 0x80) return putReference(point, out, at);
    const reference = known.get(point);
    return reference === undefined ? putByte(point, out, at) : put(reference, out, at);
  };
  return byCharacters('html', write, NOT_ASCII);
}

// ---- all but letters and digits, as cautious encoders do (OWASP's for HTML, CSS and JavaScript)

const CAUTIOUS = allBut(bitsOf(codes(LETTERS_AND_DIGITS)));

/** The others as `write` has them. */
function cautious(kind: SpellingKind, write: Write): Speller {
  const unlessPlain: Write = (point, out, at) =>
    point < 0x80 && !has(CAUTIOUS, point) ? putByte(point, out, at) : write(point, out, at);
  return byCharacters(kind, unlessPlain, CAUTIOUS);
}

// ---- what shells need

function shell(replaced: ByteBits, replace: (byte: number) => Uint8Array): Speller {
  const write: Write = (byte, out, at) => (has(replaced, byte) ? put(replace(byte), out, at) : putByte(byte, out, at));
  return byBytes('shell', write, replaced);
}

const withBackslash = (byte: number): Uint8Array => Uint8Array.of(BACKSLASH, byte);
const CLOSED_QUOTE = codes(`'\\''`);
const DOUBLE_QUOTED_QUOTE = codes(`'"'"'`);
/** PowerShell, SQL, YAML, CSV. */
const doubled = (byte: number): Uint8Array => Uint8Array.of(byte, byte);
const UNSAFE = allBut(bitsOf(codes(`${LETTERS_AND_DIGITS}@%+=:,./-_`))).fill(0, 4);

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
    json({}),
    json({ ascii: true }),
    json({ ascii: true, slash: true }),
    json({ slash: true }),
    json({ html: true }),
    json({ twice: true }),
    json({ twice: true, ascii: true }),
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
    html(MARKUP),
    html({ ...MARKUP, '"': '&quot;' }),
    html({ ...MARKUP, '"': '&quot;', "'": '&#39;' }),
    html({ ...MARKUP, '"': '&quot;', "'": '&#x27;' }),
    html({ ...MARKUP, '"': '&quot;', "'": '&#039;' }),
    html({ ...MARKUP, '"': '&quot;', "'": '&apos;' }),
    html({ ...MARKUP, '"': '&#34;', "'": '&#39;' }),
    asciiHtml({}, putDecimalReference),
    asciiHtml(MARKUP, putDecimalReference),
    asciiHtml({ ...MARKUP, '"': '&quot;' }, putDecimalReference),
    asciiHtml({ ...MARKUP, '"': '&quot;', "'": '&#x27;' }, putDecimalReference),
    asciiHtml(MARKUP, hexReference(UPPER)),
    asciiHtml({ ...MARKUP, '"': '&quot;' }, hexReference(UPPER)),
    byCharacters('html', putDecimalReference),
    byCharacters('html', hexReference(LOWER)),
    byCharacters('html', hexReference(UPPER)),
    cautious('html', putDecimalReference),
    cautious('html', hexReference(LOWER)),
    cautious('html', hexReference(UPPER)),
    cautious('unicode-escape', unicodeEscape(LOWER)),
    cautious('unicode-escape', unicodeEscape(UPPER)),
    cautious('hex-escape', shortEscape(LOWER)),
    cautious('hex-escape', shortEscape(UPPER)),
    shell(bitsOf(codes("'")), () => CLOSED_QUOTE),
    shell(bitsOf(codes("'")), () => DOUBLE_QUOTED_QUOTE),
    shell(bitsOf(codes("'")), doubled),
    shell(bitsOf(codes('"')), doubled),
    shell(UNSAFE, withBackslash),
    shell(bitsOf(codes('"$`\\')), withBackslash),
    byCharacters('utf-16le', utf16(true)),
    byCharacters('utf-16be', utf16(false)),
  ];
}
