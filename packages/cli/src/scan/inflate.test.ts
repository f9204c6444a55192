import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeInflate } from './inflate.ts';

interface Told {
  readonly bytes: Buffer;
  readonly state: string;
  /** Bytes that were taken. */
  readonly taken: number;
}

function inflate(packed: Uint8Array, cuts: readonly number[] = [], stopAfter = Number.POSITIVE_INFINITY): Told {
  const out: Buffer[] = [];
  let length = 0;
  const inflating = makeInflate((piece) => {
    out.push(Buffer.from(piece));
    length += piece.length;
    return length < stopAfter;
  });
  let taken = 0;
  const ends = [...cuts.map((cut) => cut % (packed.length + 1)).sort((a, b) => a - b), packed.length];
  for (const end of ends) {
    if (inflating.state !== 'going') break;
    // Fed from the middle of a bigger piece, which is then overwritten, as a buffer that is used again.
    const piece = Buffer.concat([Buffer.alloc(3, 0xff), packed.subarray(taken, end)]);
    taken += inflating.feed(piece, 3) - 3;
    piece.fill(0xaa);
  }
  return { bytes: Buffer.concat(out), state: inflating.state, taken };
}

const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FIXED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FILTERED,
];
const text = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(2_000)), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts.map(([bytes, times]) => Buffer.concat(Array(times).fill(bytes)))));

describe('inflate', () => {
  it('gives what was packed, however it was packed and cut, and takes not a byte too many', () => {
    fc.assert(
      fc.property(
        text,
        fc.constantFrom(...STRATEGIES),
        fc.integer({ min: 0, max: 9 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (plain, strategy, level, cuts) => {
          const packed = deflateRawSync(plain, { level, strategy });
          const told = inflate(Buffer.concat([packed, Buffer.from('what follows')]), cuts);
          expect([told.state, told.taken, told.bytes.equals(plain)]).toEqual(['ended', packed.length, true]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('reads byte by byte', () => {
    const plain = readFileSync(process.execPath).subarray(1 << 20, (1 << 20) + 100_000);
    const packed = deflateRawSync(plain);
    const told = inflate(
      packed,
      Array.from(packed, (_, at) => at),
    );
    expect([told.state, told.bytes.equals(plain)]).toEqual(['ended', true]);
  });

  it('reads long codes, big windows and what can not be packed', () => {
    const machineCode = readFileSync(process.execPath).subarray(0, 8 << 20);
    for (const plain of [machineCode, randomBytes(300_000), Buffer.alloc(5_000_000, 'a')]) {
      for (const level of [1, 6, 9]) {
        const told = inflate(deflateRawSync(plain, { level }), [1_000, 70_000]);
        expect([told.state, told.bytes.equals(plain)]).toEqual(['ended', true]);
      }
    }
  });

  it('never ends for what is cut short, and gives what was there', () => {
    const packed = deflateRawSync(Buffer.from('some words, some words and others'.repeat(999)));
    for (let cut = 0; cut < packed.length; cut += 1) expect(inflate(packed.subarray(0, cut)).state).toBe('going');
  });

  it('takes any bytes without a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
        expect(['going', 'ended', 'damaged']).toContain(inflate(bytes).state);
      }),
      { numRuns: 2_000 },
    );
    const packed = deflateRawSync(readFileSync(process.execPath).subarray(0, 200_000));
    for (let at = 0; at < packed.length; at += 1_009) {
      const bent = Buffer.from(packed);
      bent[at] = (bent[at] as number) ^ 0x55;
      expect(['going', 'ended', 'damaged']).toContain(inflate(bent).state);
    }
  });

  it('stops when it is told to', () => {
    const told = inflate(deflateRawSync(Buffer.alloc(50_000_000)), [], 1_000_000);
    expect([told.state, told.bytes.length < 1_200_000]).toEqual(['stopped', true]);
  });
});
