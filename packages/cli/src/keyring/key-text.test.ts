import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeKeys, encodeKeys } from './key-text.ts';

const keys = (count: number) => Array.from({ length: count }, () => randomBytes(32));

describe('the text of an entry', () => {
  it('gives back the keys it was made of', () => {
    for (const count of [1, 2, 3]) {
      const some = keys(count);
      expect(decodeKeys(encodeKeys(some))).toEqual(some);
      expect(decodeKeys(Buffer.concat([encodeKeys(some), Buffer.from('\n')]))).toEqual(some);
    }
    expect(encodeKeys([Buffer.alloc(32, 0xab)]).toString()).toBe('ab'.repeat(32));
    expect(encodeKeys([])).toHaveLength(0);
  });

  it('of anything else is none', () => {
    const good = encodeKeys(keys(1)).toString();
    const bad = [
      '',
      ' ',
      'x',
      good.slice(1),
      `${good}0`,
      `${good},`,
      `,${good}`,
      `${good};${good}`,
      good.toUpperCase(),
    ];
    for (const text of [...bad, `g${good.slice(1)}`, `${good.slice(0, 63)}\0`].filter((each) => each !== good)) {
      expect([text, decodeKeys(Buffer.from(text))]).toEqual([text, undefined]);
    }
  });

  it('is read without harm, whatever stands there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const read = decodeKeys(bytes);
        expect(read === undefined || read.every((key) => key.length === 32)).toBe(true);
      }),
    );
  });
});
