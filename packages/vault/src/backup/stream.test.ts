import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, SealedReader, SealedWriter, TAG_BYTES } from './stream.ts';

const KEY = randomBytes(32);
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;

function sealed(parts: readonly Uint8Array[]): Buffer {
  const written: Buffer[] = [];
  const writer = new SealedWriter(KEY, (bytes) => written.push(bytes));
  for (const part of parts) writer.push(part);
  writer.end();
  return Buffer.concat(written);
}

function open(bytes: Buffer, length: number, key = KEY): Buffer {
  let at = 0;
  const reader = new SealedReader(key, (wanted) => {
    const piece = bytes.subarray(at, at + wanted);
    at += piece.length;
    return piece;
  });
  const taken = reader.take(length);
  if (!reader.isAtEnd()) throw new Error('more follows');
  return taken;
}

const LENGTHS = [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5];

describe('a sealed stream', () => {
  it.each(LENGTHS)('of %i bytes opens as what was pushed, and says where it ends', (length) => {
    const plain = randomBytes(length);
    const bytes = sealed([plain]);
    expect(bytes.length).toBe(length + TAG_BYTES * Math.ceil(length / CHUNK_BYTES));
    expect(open(bytes, length).equals(plain)).toBe(true);
    expect(() => open(bytes, length + 1)).toThrow(/ends too early/);
    if (length > 1) expect(() => open(bytes, length - 1)).toThrow('more follows');
  });

  it('does not hang on how it was pushed or taken', () => {
    const plain = randomBytes(2 * CHUNK_BYTES + 77);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 5 }), (cuts) => {
        const parts: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, plain.length]) {
          parts.push(plain.subarray(at, at + cut));
          at += cut;
        }
        return sealed(parts).equals(sealed([plain]));
      }),
      { numRuns: 20 },
    );
  });

  it.each(LENGTHS)('of %i bytes that is cut off anywhere, or goes on, does not open', (length) => {
    const bytes = sealed([randomBytes(length)]);
    const borders = Array.from({ length: Math.ceil(bytes.length / SEALED_BYTES) }, (_, index) => index * SEALED_BYTES);
    const places = [...borders.flatMap((at) => [at, at + 1, at + TAG_BYTES, at + TAG_BYTES + 1]), bytes.length - 1];
    for (const at of places.filter((place) => place < bytes.length)) {
      expect(() => open(bytes.subarray(0, at), length), `cut at ${at}`).toThrow(/damaged/);
    }
    for (const more of [1, TAG_BYTES, SEALED_BYTES]) {
      expect(() => open(Buffer.concat([bytes, randomBytes(more)]), length)).toThrow(/damaged/);
    }
  });

  it('with a changed bit, moved, repeated or missing parts, or another key, does not open', () => {
    const length = 3 * CHUNK_BYTES + 9;
    const bytes = sealed([randomBytes(length)]);
    const part = (index: number) => bytes.subarray(index * SEALED_BYTES, (index + 1) * SEALED_BYTES);
    const orders = [
      [1, 0, 2, 3],
      [0, 1, 1, 2, 3],
      [0, 2, 3],
      [1, 2, 3],
      [0, 1, 3],
      [3, 0, 1, 2],
      [0, 1, 2, 3, 3],
    ];
    for (const order of orders) expect(() => open(Buffer.concat(order.map(part)), length)).toThrow(/damaged/);
    for (let turn = 0; turn < 50; turn++) {
      const changed = Buffer.from(bytes);
      const at = randomBytes(4).readUInt32BE() % bytes.length;
      changed[at] = (changed[at] ?? 0) ^ (1 << (turn % 8));
      expect(() => open(changed, length)).toThrow(/damaged/);
    }
    expect(() => open(bytes, length, randomBytes(32))).toThrow(/damaged/);
  });
});
