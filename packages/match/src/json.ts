import { BACKSLASH, BACKSLASH_U, lettersFor, putByte, putUnicode, putUtf8 } from './put.ts';
import {
  bitsOf,
  byCharacters,
  codes,
  either,
  has,
  LOWER,
  type Speller,
  UNPRINTABLE,
  UPPER,
  type Write,
} from './speller.ts';

const QUOTE = 0x22;
const TWO_BACKSLASHES_U = codes('\\\\u');
const CONTROLS = '\b\f\n\r\t';

/** By character: the letter after the backslash (RFC 8259, section 7). */
export const SHORT = lettersFor(`${CONTROLS}"\\`, 'bfnrt"\\');

interface Style {
  /** What is not ASCII as \uXXXX, in these digits. */
  readonly ascii?: Uint8Array;
  /** `\/`. */
  readonly slash?: boolean;
  /** Characters that are written as \uXXXX, whatever else they could be. */
  readonly escaped?: string;
  /** The digits of these, and of control characters. */
  readonly digits?: Uint8Array;
  /** JSON in a JSON string. */
  readonly twice?: boolean;
}

/** JSON, and what writes it so that it can stand in HTML. */
const STYLES: readonly Style[] = [
  {},
  // Python, PHP
  { ascii: LOWER },
  { ascii: LOWER, slash: true },
  { slash: true },
  // Go, Rails; Gson; Newtonsoft's EscapeHtml
  { escaped: '<>&' },
  { escaped: `<>&'=` },
  { escaped: `<>&'"` },
  // Jinja; Django's json_script; PHP's JSON_HEX_*, with JSON_UNESCAPED_UNICODE and without
  { escaped: `<>&'` },
  { escaped: `<>&'`, ascii: LOWER },
  { escaped: '<>&', digits: UPPER },
  { escaped: '<>&', digits: UPPER, ascii: LOWER },
  { escaped: `<>&'"`, digits: UPPER, slash: true },
  { escaped: `<>&'"`, digits: UPPER, slash: true, ascii: LOWER },
  // System.Text.Json; Go's templates; Django's escapejs
  { escaped: `<>&'"+\``, digits: UPPER, ascii: UPPER },
  { escaped: `<>&'"+\``, slash: true },
  { escaped: `<>&'"\`\\=-;${CONTROLS}`, digits: UPPER },
  { twice: true },
  { twice: true, ascii: LOWER },
];

function json({ ascii, slash = false, escaped = '', digits = LOWER, twice = false }: Style): Speller {
  const escapedBits = bitsOf(codes(escaped));
  const backslash = (out: Uint8Array, at: number): number =>
    putByte(BACKSLASH, out, twice ? putByte(BACKSLASH, out, at) : at);
  const write: Write = (point, out, at) => {
    const isEscaped = point < 0x80 && has(escapedBits, point);
    const short = isEscaped ? undefined : (SHORT.get(point) ?? (slash && point === 0x2f ? point : undefined));
    if (short !== undefined) {
      const next = backslash(out, at);
      return putByte(
        short,
        out,
        twice && (short === QUOTE || short === BACKSLASH) ? putByte(BACKSLASH, out, next) : next,
      );
    }
    const isBeyond = ascii !== undefined && point > 0x7e;
    if (point >= 0x20 && !isEscaped && !isBeyond) return putUtf8(point, out, at);
    return putUnicode(point, isBeyond ? ascii : digits, out, at, twice ? TWO_BACKSLASHES_U : BACKSLASH_U);
  };
  const altered = either(bitsOf(codes(`"\\${slash ? '/' : ''}`)), either(escapedBits, UNPRINTABLE));
  return byCharacters(twice ? 'json-twice' : 'json', write, altered);
}

export function jsonSpellers(): Speller[] {
  return STYLES.map(json);
}
