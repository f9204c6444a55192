import { hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveAuditKey, deriveKey, deriveSubkey, Keys } from './keys.ts';

const bytes = fc.uint8Array({ maxLength: 80 });

describe('key derivation', () => {
  it('is HKDF-SHA256 as Node has it', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (parent, salt, info) => {
        expect(deriveKey(parent, salt, info).equals(Buffer.from(hkdfSync('sha256', parent, salt, info, 32)))).toBe(
          true,
        );
      }),
    );
  });

  it('gives every purpose, vault and chain a key of its own', () => {
    const root = Buffer.alloc(32, 1);
    const ids = [Buffer.alloc(16, 2), Buffer.alloc(16, 3)];
    const purposes = ['values', 'lookup', 'entries', 'summary', 'audit', 'mark', 'sheaf', 'checkpoint'] as const;
    const keys = ids.flatMap((id) => [
      ...purposes.map((purpose) => deriveSubkey(root, id, purpose)),
      deriveAuditKey(deriveSubkey(root, id, 'audit'), id),
    ]);
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length);
  });

  it('leaves nothing after a wipe', () => {
    const root = Buffer.alloc(32, 1);
    const keys = new Keys(root, Buffer.alloc(16));
    const subkey = keys.for('values');
    keys.wipe();
    expect(root.equals(Buffer.alloc(32))).toBe(true);
    expect(subkey.equals(Buffer.alloc(32))).toBe(true);
  });
});
