import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame, pad, unpad } from './encoding.ts';

const fields = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 5 });

describe('a frame', () => {
  it('is the same for equal fields only, wherever they are split', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const equal = JSON.stringify(a.map((one) => [...one])) === JSON.stringify(b.map((one) => [...one]));
        expect(frame(...a).equals(frame(...b))).toBe(equal);
      }),
    );
    expect(frame('ab', 'c').equals(frame('a', 'bc'))).toBe(false);
    expect(frame('a').equals(frame('a', ''))).toBe(false);
  });

  it('has a whole number as eight bytes, and refuses what is none', () => {
    expect(frame(258).toString('hex')).toBe('000000080000000000000102');
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => frame(bad)).toThrow('not a whole number');
  });
});

describe('padding', () => {
  it('gives back the bytes, in a multiple of 64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const padded = pad(bytes);
        expect(padded.length % 64).toBe(0);
        expect(unpad(padded)?.equals(bytes)).toBe(true);
      }),
    );
  });

  it('makes 0 and 60 bytes equally long', () => {
    expect([0, 1, 60, 61, 124, 125].map((length) => pad(new Uint8Array(length)).length)).toEqual([
      64, 64, 64, 128, 128, 192,
    ]);
  });

  it('has one form only: what it never makes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (length, bytes) => {
        const text = Buffer.concat([length, bytes]);
        const opened = unpad(text);
        if (opened) expect(pad(opened).equals(text)).toBe(true);
      }),
    );
    const noise = pad(Buffer.from('x'));
    noise[63] = 1;
    expect(unpad(noise)).toBeUndefined();
    expect(unpad(Buffer.concat([pad(Buffer.from('x')), Buffer.alloc(64)]))).toBeUndefined();
    expect(unpad(Buffer.alloc(0))).toBeUndefined();
  });
});
