import { uint32 } from './encoding.ts';
import { corrupt } from './failures.ts';

const LOOKUP_BYTES = 32;
const FIXED_BYTES = LOOKUP_BYTES + 4 + 4;

/** One text and how it is found. */
export interface Entry {
  /** HMAC of kind and name. */
  readonly lookup: Buffer;
  readonly kind: number;
  readonly text: Buffer;
}

/** Entry after entry: lookup (32) ‖ kind (4) ‖ length of the text (4) ‖ text; numbers big endian. */
export function encodeBucket(entries: readonly Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(({ lookup, kind, text }) => [lookup, uint32(kind), uint32(text.length), text]));
}

/** Views of the same memory. @throws HaspError E_VAULT_CORRUPT */
export function decodeBucket(bytes: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + FIXED_BYTES;
    const end = start <= bytes.length ? start + bytes.readUInt32BE(start - 4) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw corrupt('a bucket is cut short');
    const lookup = bytes.subarray(at, at + LOOKUP_BYTES);
    entries.push({ lookup, kind: bytes.readUInt32BE(at + LOOKUP_BYTES), text: bytes.subarray(start, end) });
    at = end;
  }
  return entries;
}
