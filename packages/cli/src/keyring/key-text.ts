import { KEY_BYTES } from '../key-file.ts';

const DIGITS = Buffer.from('0123456789abcdef');
const COMMA = 0x2c;
const BLANKS = [0x0a, 0x0d, 0x20];

/**
 * The text of an entry: keys as hexadecimal digits, a comma between two. More than one stands there while a vault
 * gets a new key, or where copies of a vault have keys of their own. Bytes, not strings: these can be wiped.
 */
export function encodeKeys(keys: readonly Uint8Array[]): Buffer {
  const text = Buffer.alloc(Math.max(0, keys.length * (2 * KEY_BYTES + 1) - 1), COMMA);
  keys.forEach((key, place) => {
    let at = place * (2 * KEY_BYTES + 1);
    for (const byte of key) {
      text[at++] = DIGITS[byte >> 4] as number;
      text[at++] = DIGITS[byte & 15] as number;
    }
  });
  return text;
}

/** Undefined where it is anything else. */
export function decodeKeys(text: Uint8Array): Buffer[] | undefined {
  let end = text.length;
  while (end > 0 && BLANKS.includes(text[end - 1] as number)) end -= 1;
  const width = 2 * KEY_BYTES + 1;
  if (end === 0 || (end + 1) % width !== 0) return undefined;
  const keys: Buffer[] = [];
  for (let at = 0; at < end; at += width) {
    const key = Buffer.alloc(KEY_BYTES);
    keys.push(key);
    for (let place = 0; place < KEY_BYTES; place += 1) {
      const high = DIGITS.indexOf(text[at + 2 * place] as number);
      const low = DIGITS.indexOf(text[at + 2 * place + 1] as number);
      if (high < 0 || low < 0) return wiped(keys);
      key[place] = (high << 4) | low;
    }
    if (at + width - 1 < end && text[at + width - 1] !== COMMA) return wiped(keys);
  }
  return keys;
}

function wiped(keys: readonly Buffer[]): undefined {
  for (const key of keys) key.fill(0);
  return undefined;
}
