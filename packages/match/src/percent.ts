import {
  allBut,
  bitsOf,
  byBytes,
  codes,
  has,
  LETTERS_AND_DIGITS,
  LOWER,
  type Speller,
  UPPER,
  type Write,
} from './speller.ts';

const HYPHENS = '-_.~';
const PERCENT = 0x25;
/** What `%` itself is after its `%`. */
const TWENTY_FIVE = codes('25');
const PLUS = 0x2b;
const SPACE = 0x20;

interface Style {
  /** Bytes that stand for themselves; all others are escaped. */
  readonly keep: string;
  /** `+` for a space, as forms have it. */
  readonly plus?: boolean;
  /** The escapes of the escapes. */
  readonly twice?: boolean;
}

/** RFC 3986, section 2.1. */
function percent({ keep, plus = false, twice = false }: Style, alphabet: Uint8Array): Speller {
  const kept = bitsOf(codes(keep));
  const write: Write = (byte, out, at) => {
    if (has(kept, byte) || (plus && byte === SPACE)) {
      out[at] = byte === SPACE ? PLUS : byte;
      return at + 1;
    }
    const digits = twice ? at + 3 : at + 1;
    out[at] = PERCENT;
    if (twice) out.set(TWENTY_FIVE, at + 1);
    out[digits] = alphabet[byte >> 4] as number;
    out[digits + 1] = alphabet[byte & 15] as number;
    return digits + 2;
  };
  return byBytes(twice ? 'percent-twice' : 'percent', write, allBut(kept));
}

/**
 * What encodeURIComponent, RFC 3986, Python's quote and quote_plus, forms, PHP's urlencode, .NET's UrlEncode, a URL's
 * password, path and fragment (WHATWG), Go's PathEscape, encodeURI, JavaScript's old escape and cautious encoders keep; then nothing.
 */
const STYLES: readonly Style[] = [
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!*'()` },
  { keep: LETTERS_AND_DIGITS + HYPHENS },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}/` },
  { keep: LETTERS_AND_DIGITS + HYPHENS, plus: true },
  { keep: `${LETTERS_AND_DIGITS}*-._`, plus: true },
  { keep: `${LETTERS_AND_DIGITS}-._`, plus: true },
  { keep: `${LETTERS_AND_DIGITS}-_.!*()`, plus: true },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!$&'()*+,%` },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!$%&'()*+,/:;=@[]^|` },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!$%&'()*+,/:;=@[]^|#?{}\\` },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}$&+=:@` },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!$&'()*+,;=:/?@#` },
  { keep: `${LETTERS_AND_DIGITS}@*_+-./` },
  { keep: LETTERS_AND_DIGITS },
  { keep: '' },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!*'()`, twice: true },
  { keep: LETTERS_AND_DIGITS + HYPHENS, twice: true },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}/`, twice: true },
  { keep: '', twice: true },
];

export function percentSpellers(): Speller[] {
  return [LOWER, UPPER].flatMap((alphabet) => STYLES.map((style) => percent(style, alphabet)));
}
