import { makeMatcher, makeRedactor, makeSearch } from '@hasp/match';
import { describe, expect, it } from 'vitest';
import { pack, unpack } from './packed.ts';

describe('packed data', () => {
  it('is the same again', () => {
    const data = {
      flag: true,
      none: null,
      text: 'ä',
      names: [['a'], ['b', 'c']],
      short: Uint16Array.from({ length: 3_000 }, (_, index) => index),
      bytes: Uint8Array.of(1, 2, 3),
      numbers: Int32Array.of(-1, 2 ** 31 - 1),
      large: Uint8Array.from({ length: 2_001 }, (_, index) => index),
      nested: { empty: new Uint8Array(0), within: { numbers: new Int32Array(1_000).fill(-1) } },
    };
    expect(unpack(pack(data))).toEqual(data);
  });

  it('is the same wherever it lies in memory', () => {
    const data = { numbers: new Int32Array(999).fill(-7) };
    const packed = pack(data);
    for (let shift = 0; shift < 8; shift += 1) {
      const moved = Buffer.concat([Buffer.alloc(shift), packed, Buffer.alloc(9)]).subarray(
        shift,
        shift + packed.length,
      );
      expect(unpack(moved)).toEqual(data);
    }
  });

  it('may be a matcher, which then finds what it found', () => {
    const values = Array.from({ length: 30 }, (_, index) => ({
      name: `s${index}`,
      bytes: Buffer.from(`value-${index}-${'long'.repeat(index * 5)}`),
    }));
    const matcher = makeMatcher(values);
    const again = unpack(pack(matcher)) as typeof matcher;
    expect(again).toEqual(matcher);
    for (const { name, bytes } of values) {
      const redactor = makeRedactor(again);
      const shown = Buffer.concat([redactor.push(Buffer.concat([Buffer.from('<'), bytes])), redactor.end()]);
      expect(shown.toString()).toBe(`<[hasp:${name}]`);
      const search = makeSearch(again);
      search.feed(Buffer.from(bytes.toString('base64')));
      expect(search.end()[0]).toMatchObject({ name });
    }
  });
});
