/** A field of a frame: text as UTF-8, a whole number as 8 bytes big endian, bytes as they are. */
export type Field = string | number | Uint8Array;

const LENGTH_BYTES = 4;
const BLOCK = 64;

/**
 * Fields one after the other, each with its length in front (4 bytes, big endian). Two lists of fields of
 * the same types give the same bytes only if they are equal; the first field of every frame is a label that
 * fixes the types of the others.
 */
export function frame(...fields: readonly Field[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const field of fields) {
    const bytes = fieldBytes(field);
    parts.push(uint32(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function fieldBytes(field: Field): Uint8Array {
  if (typeof field === 'string') return Buffer.from(field, 'utf8');
  if (typeof field === 'number') return uint64(field);
  return field;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @throws Error unless value is a whole number from 0 to 2^53 - 1. */
function uint64(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error('not a whole number');
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32));
  bytes.writeUInt32BE(value % 2 ** 32, LENGTH_BYTES);
  return bytes;
}

/** Length (4 bytes, big endian), the bytes, zeros up to a multiple of 64: 0 to 60 bytes all become 64. */
export function pad(bytes: Uint8Array): Buffer {
  const padded = Buffer.alloc(Math.ceil((LENGTH_BYTES + bytes.length) / BLOCK) * BLOCK);
  padded.writeUInt32BE(bytes.length);
  padded.set(bytes, LENGTH_BYTES);
  return padded;
}

/** The bytes that `pad` was given, as a view of the same memory; undefined if `pad` never made this. */
export function unpad(padded: Buffer): Buffer | undefined {
  if (padded.length < BLOCK) return undefined;
  const end = LENGTH_BYTES + padded.readUInt32BE();
  if (padded.length !== Math.ceil(end / BLOCK) * BLOCK) return undefined;
  for (let at = end; at < padded.length; at++) if (padded[at] !== 0) return undefined;
  return padded.subarray(LENGTH_BYTES, end);
}

/** RFC 3339 in UTC with milliseconds. */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
