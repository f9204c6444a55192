import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENESIS_MAC, nextKey, Ratchet } from './chain.ts';
import { claimedSeq, encodeRecord, hasTail, isRecovered, MAX_SLICE, storedMac } from './record.ts';

const unsafe = fc.constantFrom(
  '\u0000',
  '\u001b',
  '\u007f',
  '\u009b',
  '\u200f',
  '\u2028',
  '\u202e',
  '\u2066',
  '"',
  '\\',
  '\n',
);
const text = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), unsafe),
  maxLength: 60,
});
const event = fc.record({
  type: fc.constant('secret.renamed' as const),
  secret: text,
  to: text,
});
const place = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  time: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
  previousMac: fc.stringMatching(/^[0-9a-f]{64}$/),
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

describe('the bytes of a record', () => {
  it('are one line of JSON that gives back the event, its number and its time', () => {
    fc.assert(
      fc.property(event, place, (what, where) => {
        const { bytes, mac } = encodeRecord(what, where);
        const line = bytes.toString('utf8');
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual({
          v: 1,
          seq: where.seq,
          time: new Date(where.time).toISOString(),
          ...what,
          mac,
        });
      }),
    );
  });

  it('hold nothing that could drive a terminal, break a line or turn its direction', () => {
    fc.assert(
      fc.property(event, place, (what, where) => {
        const line = encodeRecord(what, where).bytes.toString('utf8').slice(0, -1);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });

  it('carry the HMAC of the MAC before, the end of its line, and the record up to its own MAC', () => {
    fc.assert(
      fc.property(event, place, (what, where) => {
        const { bytes, mac } = encodeRecord(what, where);
        const slice = Buffer.concat([Buffer.from(`${where.previousMac}"}\n`), bytes.subarray(0, -75)]);
        expect(mac).toBe(createHmac('sha256', where.key).update(slice).digest('hex'));
        expect(new Ratchet(where.key, MAX_SLICE).mac(slice, 0, slice.length)).toBe(mac);
        const link = `${where.previousMac}"}\n`;
        expect(new Ratchet(where.key, MAX_SLICE).macAfter(link, bytes, 0, bytes.length - 75)).toBe(mac);
      }),
    );
  });

  it('are found again without JSON', () => {
    fc.assert(
      fc.property(event, place, fc.nat(100), (what, where, shift) => {
        const { bytes, mac } = encodeRecord(what, where);
        const buffer = Buffer.concat([Buffer.alloc(shift, 0x7b), bytes]);
        const end = buffer.length - 1;
        expect(claimedSeq(buffer, shift)).toBe(where.seq);
        expect(hasTail(buffer, shift, end)).toBe(true);
        expect(storedMac(buffer, end)).toBe(mac);
        expect(isRecovered(buffer, shift, String(where.seq).length)).toBe(false);
      }),
    );
  });

  it('say of a fence that it is one', () => {
    for (const seq of [1, 42, 1_000_000]) {
      const fence = { type: 'audit.recovered', offset: 1, bytes: 2, sha256: '0'.repeat(64) } as const;
      const { bytes } = encodeRecord(fence, { seq, time: 0, previousMac: GENESIS_MAC, key: Buffer.alloc(32) });
      expect(isRecovered(bytes, 0, String(seq).length)).toBe(true);
    }
  });
});

describe('a claimed sequence number', () => {
  it.each([
    ['{"v":1,"seq":1,', 1],
    ['{"v":1,"seq":12345,', 12345],
    ['{"v":1,"seq":0,', -1],
    ['{"v":1,"seq":01,', -1],
    ['{"v":1,"seq":,', -1],
    ['{"v":1,"seq":1', -1],
    ['{"v":1,"seq":-1,', -1],
    ['{"v":1,"seq":1.5,', -1],
    ['{"v":2,"seq":1,', -1],
    ['{"v":1,"seq":12345678901234567,', -1],
    ['', -1],
  ])('of %s is %i', (line, seq) => {
    expect(claimedSeq(Buffer.from(line), 0)).toBe(seq);
  });
});

describe('the key step', () => {
  it('is the same for one record and for many', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 1, max: 20 }), (start, steps) => {
        const ratchet = new Ratchet(start, MAX_SLICE);
        let key: Uint8Array = start;
        for (let i = 0; i < steps; i++) {
          key = nextKey(key);
          ratchet.advance();
        }
        expect(ratchet.key()).toEqual(key);
      }),
    );
  });
});
