import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCipher, seal, unseal } from './envelope.ts';
import { sodiumCipher } from './sodium.ts';

const parent = Buffer.alloc(32, 7);
const context = Buffer.from('where it belongs');

describe('an envelope', () => {
  it('is the same bytes from libsodium and from Node', async () => {
    const sodium = await sodiumCipher();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (plain, about) => {
        const salt = randomBytes(32);
        const byNode = seal(nodeCipher, parent, salt, about, plain);
        expect(seal(sodium, parent, salt, about, plain).equals(byNode)).toBe(true);
        expect(unseal(parent, byNode, about)?.equals(plain)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('does not open with one bit changed, in another context, with another key, or cut', () => {
    const sealed = seal(nodeCipher, parent, randomBytes(32), context, Buffer.from('value'));
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      expect(unseal(parent, changed, context)).toBeUndefined();
      expect(unseal(parent, sealed.subarray(0, at), context)).toBeUndefined();
    }
    expect(unseal(parent, sealed, Buffer.from('elsewhere'))).toBeUndefined();
    expect(unseal(Buffer.alloc(32, 8), sealed, context)).toBeUndefined();
  });

  it('never has the same bytes twice', () => {
    const seals = [1, 2].map(() => seal(nodeCipher, parent, randomBytes(32), context, Buffer.alloc(64)));
    expect(seals[0]?.subarray(32).equals(seals[1]?.subarray(32) ?? Buffer.alloc(0))).toBe(false);
  });

  it('refuses a salt of another length', () => {
    expect(() => seal(nodeCipher, parent, randomBytes(31), context, Buffer.alloc(1))).toThrow('a salt has 32 bytes');
  });
});
