import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openVaultWithKeyFile } from './open.ts';
import { renameSecret } from './rename.ts';
import { codeOf, KEY, textOf, withVault } from './scratch.ts';

const bytes = (text: string) => Buffer.from(text);

describe('values', () => {
  it('are given back byte for byte: empty, binary, of 1 MiB', () =>
    withVault(async (vault) => {
      const values = [
        Buffer.alloc(0),
        Buffer.from([0, 10, 13, 255]),
        randomBytes(60),
        randomBytes(61),
        randomBytes(1 << 20),
      ];
      for (const [index, value] of values.entries()) await vault.set(`v${index}`, value);
      for (const [index, value] of values.entries()) {
        expect(value.equals(vault.get({ name: `v${index}` }).value.reveal())).toBe(true);
      }
    }));

  it('above 64 MiB are refused', () =>
    withVault(async (vault) => {
      expect(await codeOf(() => vault.set('a', Buffer.alloc(64 * 1024 * 1024 + 1)))).toBe('E_USAGE');
    }));

  it('of any bytes survive', () =>
    withVault((vault) =>
      fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (value) => {
          const version = await vault.set('any', value);
          expect(vault.get({ name: 'any' })).toMatchObject({ version });
          expect(Buffer.from(vault.get({ name: 'any', version }).value.reveal()).equals(value)).toBe(true);
        }),
        { numRuns: 30 },
      ),
    ));

  it('are still there after the vault was closed and opened', () =>
    withVault(async (vault, home) => {
      await vault.set('db/url', bytes('postgres://'));
      vault.close();
      const again = openVaultWithKeyFile(home, KEY);
      expect(textOf(again, 'db/url')).toBe('postgres://');
      expect(again.id).toBe(vault.id);
      again.close();
    }));
});

describe('versions', () => {
  it('count from 1, and earlier ones stay readable', () =>
    withVault(async (vault) => {
      expect([await vault.set('a', bytes('one')), await vault.set('a', bytes('two'))]).toEqual([1, 2]);
      expect(await vault.rotate('a', bytes('three'), { forget: false })).toBe(3);
      expect([1, 2, 3].map((version) => textOf(vault, 'a', version))).toEqual(['one', 'two', 'three']);
      expect(vault.get({ name: 'a' }).version).toBe(3);
      expect(vault.history('a')).toEqual([
        { version: 1, createdAt: '2026-11-21T14:03:07.123Z', placeholder: false },
        { version: 2, createdAt: '2026-11-21T14:03:08.123Z', placeholder: false },
        { version: 3, createdAt: '2026-11-21T14:03:09.123Z', placeholder: false },
      ]);
    }));

  it('are destroyed by rotate with forget, and their numbers not used again', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('one'));
      expect(await vault.rotate('a', bytes('two'), { forget: true })).toBe(2);
      expect(await codeOf(() => vault.get({ name: 'a', version: 1 }))).toBe('E_SECRET_MISSING');
      vault.remove('a', 2);
      expect(vault.list()).toEqual([]);
    }));

  it('removed one by one leave the others, and the newest left is the newest', () =>
    withVault(async (vault) => {
      for (const text of ['one', 'two', 'three']) await vault.set('a', bytes(text));
      vault.remove('a', 3);
      expect(textOf(vault, 'a')).toBe('two');
      expect(await vault.set('a', bytes('four'))).toBe(4);
      vault.remove('a', 1);
      expect(vault.history('a').map(({ version }) => version)).toEqual([2, 4]);
      expect(await codeOf(() => vault.remove('a', 3))).toBe('E_SECRET_MISSING');
    }));
});

describe('names', () => {
  it('are listed in order with their newest version and its time', () =>
    withVault(async (vault) => {
      for (const name of ['z', 'db/url', 'a', 'db/url']) await vault.set(name, bytes(name));
      expect(vault.list()).toEqual([
        { name: 'a', version: 1, updatedAt: '2026-11-21T14:03:09.123Z', placeholder: false },
        { name: 'db/url', version: 2, updatedAt: '2026-11-21T14:03:10.123Z', placeholder: false },
        { name: 'z', version: 1, updatedAt: '2026-11-21T14:03:07.123Z', placeholder: false },
      ]);
    }));

  it('that are not there are E_SECRET_MISSING everywhere', () =>
    withVault(async (vault) => {
      expect(await codeOf(() => vault.get({ name: 'no' }))).toBe('E_SECRET_MISSING');
      expect(await codeOf(() => vault.history('no'))).toBe('E_SECRET_MISSING');
      expect(await codeOf(() => vault.remove('no'))).toBe('E_SECRET_MISSING');
      expect(await codeOf(() => renameSecret(vault, 'no', 'new'))).toBe('E_SECRET_MISSING');
      expect(await codeOf(() => vault.rotate('no', bytes('x'), { forget: false }))).toBe('E_SECRET_MISSING');
      expect(() => vault.get({ name: 'pasted value!' })).toThrow(/^no secret of that name$/);
    }));

  it('start again at 1 after a removal, and the old value does not come back', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('old'));
      await vault.set('a', bytes('older'));
      vault.remove('a');
      expect(await vault.set('a', bytes('new'))).toBe(1);
      expect(textOf(vault, 'a', 1)).toBe('new');
      expect(await codeOf(() => vault.get({ name: 'a', version: 2 }))).toBe('E_SECRET_MISSING');
    }));

  it('can be changed, with every version, to one that is free', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('one'));
      await vault.set('a', bytes('two'));
      await vault.set('taken', bytes('x'));
      expect(await codeOf(() => renameSecret(vault, 'a', 'taken'))).toBe('E_EXISTS');
      expect(await codeOf(() => renameSecret(vault, 'a', 'a'))).toBe('E_EXISTS');
      expect(await codeOf(() => renameSecret(vault, 'a', 'not a name'))).toBe('E_NAME_INVALID');
      await renameSecret(vault, 'a', 'b/c');
      expect([1, 2].map((version) => textOf(vault, 'b/c', version))).toEqual(['one', 'two']);
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_SECRET_MISSING');
      expect(await vault.set('b/c', bytes('three'))).toBe(3);
    }));

  it('must be valid to be set', () =>
    withVault(async (vault) => {
      expect(await codeOf(() => vault.set('1a', bytes('x')))).toBe('E_NAME_INVALID');
      await vault.set('n'.repeat(255), bytes('x'));
      expect(vault.list()[0]?.name).toBe('n'.repeat(255));
    }));
});
