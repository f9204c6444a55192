import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBucket, encodeBucket } from './bucket.ts';
import { codeOf } from './scratch.ts';

const buffer = (size: object) => fc.uint8Array(size).map((bytes) => Buffer.from(bytes));
const entry = fc.record({
  lookup: buffer({ minLength: 32, maxLength: 32 }),
  kind: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  text: buffer({ maxLength: 50 }),
});

it('a bucket survives being written, and cut at any byte is damage or fewer entries', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), fc.nat(), async (entries, at) => {
      const encoded = encodeBucket(entries);
      expect(decodeBucket(encoded)).toEqual(entries);
      const cut = encoded.subarray(0, at % (encoded.length + 1));
      const code = await codeOf(() => expect(encodeBucket(decodeBucket(cut)).equals(cut)).toBe(true));
      expect([undefined, 'E_VAULT_CORRUPT']).toContain(code);
    }),
  );
});
