import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeHead, encodeHead } from './head.ts';
import { codeOf } from './scratch.ts';

const head = fc.record({
  name: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 }),
  secretId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
  next: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  versions: fc.array(
    fc.record(
      {
        version: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        createdAt: fc.nat(2 ** 48 - 1),
        placeholder: fc.constant(true as const),
      },
      { requiredKeys: ['version', 'createdAt'] },
    ),
    { maxLength: 6 },
  ),
});

it('what is known of a secret survives being written, at a length that only its versions set', () => {
  fc.assert(
    fc.property(head, (one) => {
      const encoded = encodeHead(one);
      expect(decodeHead(encoded)).toEqual(one);
      expect(encoded).toHaveLength(281 + 12 * one.versions.length);
    }),
  );
});

it('bytes of another length are damage', async () => {
  const encoded = encodeHead({
    name: 'a',
    secretId: Buffer.alloc(16),
    next: 2,
    versions: [{ version: 1, createdAt: 0 }],
  });
  for (const cut of [0, 280, 281, encoded.length - 1]) {
    expect(await codeOf(() => decodeHead(encoded.subarray(0, cut)))).toBe('E_VAULT_CORRUPT');
  }
  expect(await codeOf(() => decodeHead(Buffer.concat([encoded, Buffer.alloc(1)])))).toBe('E_VAULT_CORRUPT');
});

it('a flag that is not known is damage', async () => {
  const encoded = encodeHead({
    name: 'a',
    secretId: Buffer.alloc(16),
    next: 2,
    versions: [{ version: 1, createdAt: 0, placeholder: true }],
  });
  expect(decodeHead(encoded).versions).toEqual([{ version: 1, createdAt: 0, placeholder: true }]);
  encoded.writeUInt16BE(2, encoded.length - 8);
  expect(await codeOf(() => decodeHead(encoded))).toBe('E_VAULT_CORRUPT');
});
