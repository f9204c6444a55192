import { byBytes, codes, LETTERS_AND_DIGITS, LOWER, type Speller, type Subject, UPPER, type Write } from './speller.ts';

const STANDARD = codes(`${LETTERS_AND_DIGITS}+/`);
const URL_SAFE = codes(`${LETTERS_AND_DIGITS}-_`);
const BASE32 = codes('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
const BASE32_LOWER = codes('abcdefghijklmnopqrstuvwxyz234567');
const PAD = 0x3d;

/** What the digits of the value's end look like; every one of them holds the open one. */
type End = 'open' | 'unpadded' | 'padded';

/**
 * RFC 4648. With `before` bytes of something else in front, as in HTTP Basic's base64(user:value), only
 * the digits that hang on the value alone are known; with an open end the same holds at its end.
 */
function digits(bits: 5 | 6, alphabet: Uint8Array, before: number, end: End) {
  const mask = (1 << bits) - 1;
  const group = bits === 6 ? 4 : 8;
  return ({ bytes }: Subject, out: Uint8Array, start: number): number => {
    let pool = 0;
    let filled = 0;
    let at = start;
    // The digits that `before` has a part in are left out, and with them the bits of the value in them.
    let skip = (bits - ((before * 8) % bits)) % bits;
    for (let index = 0; index < bytes.length; index += 1) {
      pool = ((pool << 8) | (bytes[index] as number)) & 0xffff;
      filled += 8;
      if (skip > 0) {
        const dropped = Math.min(skip, filled);
        filled -= dropped;
        skip -= dropped;
      }
      while (filled >= bits) {
        filled -= bits;
        out[at] = alphabet[(pool >> filled) & mask] as number;
        at += 1;
      }
    }
    if (end === 'open') return at;
    if (filled > 0) {
      out[at] = alphabet[(pool << (bits - filled)) & mask] as number;
      at += 1;
    }
    while (end === 'padded' && (at - start) % group !== 0) {
      out[at] = PAD;
      at += 1;
    }
    return at;
  };
}

function hex(alphabet: Uint8Array): Write {
  return (byte, out, at) => {
    out[at] = alphabet[byte >> 4] as number;
    out[at + 1] = alphabet[byte & 15] as number;
    return at + 2;
  };
}

export const BASE_N: readonly Speller[] = [
  { kind: 'base64', spell: digits(6, STANDARD, 0, 'padded') },
  { kind: 'base64', spell: digits(6, STANDARD, 0, 'open') },
  { kind: 'base64', spell: digits(6, STANDARD, 1, 'open') },
  { kind: 'base64', spell: digits(6, STANDARD, 2, 'open') },
  { kind: 'base64url', spell: digits(6, URL_SAFE, 0, 'unpadded') },
  { kind: 'base64url', spell: digits(6, URL_SAFE, 0, 'open') },
  { kind: 'base64url', spell: digits(6, URL_SAFE, 1, 'open') },
  { kind: 'base64url', spell: digits(6, URL_SAFE, 2, 'open') },
  { kind: 'base32', spell: digits(5, BASE32, 0, 'padded') },
  { kind: 'base32', spell: digits(5, BASE32, 0, 'open') },
  { kind: 'base32', spell: digits(5, BASE32_LOWER, 0, 'open') },
  byBytes('hex', hex(LOWER)),
  byBytes('hex', hex(UPPER)),
];
