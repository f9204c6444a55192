import { describe, expect, it } from 'vitest';
import { renameSecret } from './rename.ts';
import { codeOf, withVault } from './scratch.ts';
import type { Vault } from './vault.ts';

const bytes = (text: string) => Buffer.from(text);
const sought = (vault: Vault) =>
  vault
    .everyValue()
    .map(({ name, version }) => `${name}@${version}`)
    .sort();

describe('a placeholder', () => {
  it('is one version, which is read and delivered as any other, and not looked for', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('changeme'), { placeholder: true });
      await vault.set('b', bytes('changeme'));
      expect(vault.get({ name: 'a' })).toMatchObject({ version: 1, placeholder: true });
      expect(sought(vault)).toEqual(['b@1']);
      await vault.set('a', bytes('real'));
      expect(vault.get({ name: 'a' })).toMatchObject({ version: 2, placeholder: false });
      expect(sought(vault)).toEqual(['a@2', 'b@1']);
      expect(vault.history('a').map(({ placeholder }) => placeholder)).toEqual([true, false]);
      expect(vault.list().map(({ placeholder }) => placeholder)).toEqual([false, false]);
    }));

  it('can be marked and unmarked later, the newest version or another', () =>
    withVault(async (vault) => {
      for (const text of ['one', 'two', 'three']) await vault.set('a', bytes(text));
      expect(vault.setPlaceholder({ name: 'a' }, true)).toBe(3);
      expect(vault.setPlaceholder({ name: 'a', version: 1 }, true)).toBe(1);
      expect(sought(vault)).toEqual(['a@2']);
      expect(vault.setPlaceholder({ name: 'a' }, false)).toBe(3);
      expect(sought(vault)).toEqual(['a@2', 'a@3']);
      expect(await codeOf(() => vault.setPlaceholder({ name: 'a', version: 4 }, true))).toBe('E_SECRET_MISSING');
      expect(await codeOf(() => vault.setPlaceholder({ name: 'b' }, true))).toBe('E_SECRET_MISSING');
    }));

  it('stays one under another name, and is none after it was rotated or set again from the start', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('changeme'), { placeholder: true });
      await renameSecret(vault, 'a', 'b');
      expect(sought(vault)).toEqual([]);
      await vault.rotate('b', bytes('real'), { forget: true });
      expect(sought(vault)).toEqual(['b@2']);
      vault.remove('b');
      await vault.set('b', bytes('changeme'));
      expect(sought(vault)).toEqual(['b@1']);
    }));

  it('changes what was made of all values, also where they are kept together', () =>
    withVault(async (vault) => {
      for (let at = 0; at < 40; at += 1) await vault.set(`s${at}`, bytes(`value ${at}`));
      const count = () =>
        vault.derived({ label: 'count', make: (all) => all.length, pack: (n) => bytes(`${n}`), unpack: Number });
      expect([count(), count(), sought(vault).length]).toEqual([40, 40, 40]);
      vault.setPlaceholder({ name: 's7' }, true);
      expect([count(), count(), sought(vault).length]).toEqual([39, 39, 39]);
      vault.setPlaceholder({ name: 's7' }, false);
      expect([count(), sought(vault).length]).toEqual([40, 40]);
    }));

  it('is none if the change is not stored', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('one'));
      const beforeCommit = () => {
        throw new Error('not recorded');
      };
      expect(() => vault.setPlaceholder({ name: 'a' }, true, { beforeCommit })).toThrow('not recorded');
      expect(sought(vault)).toEqual(['a@1']);
    }));
});
