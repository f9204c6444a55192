import { allBut, LETTERS_AND_DIGITS, LOWER, type Speller, type Subject, setOf, UPPER } from './speller.ts';

const HYPHENS = '-_.~';
const PERCENT = 0x25;
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
  const kept = setOf(keep);
  const spell = ({ bytes }: Subject, out: Uint8Array, start: number): number => {
    let at = start;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] as number;
      if (kept[byte] === 1) {
        out[at] = byte;
        at += 1;
      } else if (plus && byte === SPACE) {
        out[at] = PLUS;
        at += 1;
      } else {
        out[at] = PERCENT;
        if (twice) {
          out[at + 1] = 0x32;
          out[at + 2] = 0x35;
          at += 2;
        }
        out[at + 1] = alphabet[byte >> 4] as number;
        out[at + 2] = alphabet[byte & 15] as number;
        at += 3;
      }
    }
    return at;
  };
  return { kind: twice ? 'percent-twice' : 'percent', spell, alters: allBut(kept) };
}

/** What encodeURIComponent, RFC 3986, Python's quote and quote_plus, forms, a URL's password (WHATWG) and encodeURI keep. */
const STYLES: readonly Style[] = [
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!*'()` },
  { keep: LETTERS_AND_DIGITS + HYPHENS },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}/` },
  { keep: LETTERS_AND_DIGITS + HYPHENS, plus: true },
  { keep: `${LETTERS_AND_DIGITS}*-._`, plus: true },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!$&'()*+,%` },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!$&'()*+,;=:/?@#` },
  { keep: '' },
  { keep: `${LETTERS_AND_DIGITS}${HYPHENS}!*'()`, twice: true },
  { keep: LETTERS_AND_DIGITS + HYPHENS, twice: true },
  { keep: '', twice: true },
];

export function percentSpellers(): Speller[] {
  return [LOWER, UPPER].flatMap((alphabet) => STYLES.map((style) => percent(style, alphabet)));
}
