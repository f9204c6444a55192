import { describe, expect, it } from 'vitest';
import { renameSecret } from './rename.ts';
import { codeOf, textOf, withVault } from './scratch.ts';

const bytes = (text: string) => Buffer.from(text);
const refuse = () => {
  throw new Error('no record');
};

describe('a change whose record fails', () => {
  it('did not happen: set, rotate, remove, rename', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('one'));
      const before = vault.list();
      await expect(vault.set('a', bytes('two'), { beforeCommit: refuse })).rejects.toThrow('no record');
      await expect(vault.set('b', bytes('x'), { beforeCommit: refuse })).rejects.toThrow('no record');
      await expect(vault.rotate('a', bytes('two'), { forget: true, beforeCommit: refuse })).rejects.toThrow(
        'no record',
      );
      expect(() => vault.remove('a', undefined, { beforeCommit: refuse })).toThrow('no record');
      await expect(renameSecret(vault, 'a', 'c', { beforeCommit: refuse })).rejects.toThrow('no record');
      expect(vault.list()).toEqual(before);
      expect(textOf(vault, 'a', 1)).toBe('one');
      expect(await vault.set('a', bytes('two'))).toBe(2);
    }));
});

describe('before a change is stored', () => {
  it('the caller is told the version, inside the transaction, and may write the mark there', () =>
    withVault(async (vault) => {
      const mark = { chain: vault.chain(), seq: 1, mac: 'ab'.repeat(32) };
      const told: number[] = [];
      const beforeCommit = (version: number) => void told.push(version);
      await vault.set('a', bytes('one'), {
        beforeCommit: (version) => {
          beforeCommit(version);
          vault.writeMark(mark);
        },
      });
      await vault.rotate('a', bytes('two'), { forget: false, beforeCommit });
      await renameSecret(vault, 'a', 'b', { beforeCommit });
      vault.remove('b', 1, { beforeCommit });
      vault.remove('b', undefined, { beforeCommit });
      expect(told).toEqual([1, 2, 2, 1, 2]);
      expect(vault.mark()).toEqual(mark);
    }));
});

describe('a transaction', () => {
  it('keeps all or nothing, and an inner one that throws undoes itself only', () =>
    withVault(async (vault) => {
      await vault.set('a', bytes('x'));
      await vault.set('b', bytes('x'));
      await vault.set('c', bytes('x'));
      const removeAndRefuse = (name: string) => {
        vault.remove(name);
        refuse();
      };
      vault.transaction(() => {
        vault.remove('a');
        expect(() => vault.transaction(() => removeAndRefuse('b'))).toThrow('no record');
      });
      expect(vault.list().map(({ name }) => name)).toEqual(['b', 'c']);
      expect(() => vault.transaction(() => removeAndRefuse('c'))).toThrow('no record');
      expect(textOf(vault, 'c')).toBe('x');
      expect(() => vault.transaction(async () => 1)).toThrow('can not wait');
      expect(vault.transaction(() => 5)).toBe(5);
    }));
});

describe('the audit chain', () => {
  it('has an id and a first key of its own, the same at every opening', () =>
    withVault(async (one) =>
      withVault((other) => {
        expect(one.chain()).toMatch(/^[0-9a-f]{32}$/);
        expect(one.auditKey()).toHaveLength(32);
        expect(Buffer.from(one.auditKey()).equals(one.auditKey())).toBe(true);
        expect(Buffer.from(one.auditKey()).equals(other.auditKey())).toBe(false);
        expect(one.chain()).not.toBe(other.chain());
      }),
    ));

  it('has a mark that goes forward only, within the chain', () =>
    withVault(async (vault) => {
      const chain = vault.chain();
      const mark = (seq: number, mac = 'ab') => ({ chain, seq, mac: mac.repeat(32) });
      expect(vault.mark()).toBeUndefined();
      vault.writeMark(mark(7));
      vault.writeMark(mark(3));
      expect(vault.mark()).toEqual(mark(7));
      expect(await codeOf(() => vault.writeMark(mark(7, 'cd')))).toBe('E_CHAIN_BROKEN');
      expect(await codeOf(() => vault.writeMark({ ...mark(8), chain: '0'.repeat(32) }))).toBe('E_CHAIN_BROKEN');
      vault.writeMark(mark(8));
      expect(vault.mark()).toEqual(mark(8));
    }));
});

describe('consent', () => {
  it('is kept for each root until it is taken back', () =>
    withVault((vault) => {
      expect(vault.consent('/work/web')).toBeUndefined();
      expect(vault.untrust('/work/web')).toBe(false);
      vault.trust('/work/web', 'aa'.repeat(32), ['db/url', 'npm/token']);
      vault.trust('/work/api', 'bb'.repeat(32), []);
      vault.trust('/work/api', 'cc'.repeat(32), ['x']);
      const trustedAt = '2026-11-21T14:03:07.123Z';
      expect(vault.consent('/work/web')).toEqual({
        manifestHash: 'aa'.repeat(32),
        names: ['db/url', 'npm/token'],
        trustedAt,
      });
      expect(vault.consent('/work/api')).toMatchObject({ manifestHash: 'cc'.repeat(32), names: ['x'] });
      expect(vault.consent('/work')).toBeUndefined();
      expect(vault.list()).toEqual([]);
      expect(vault.untrust('/work/web')).toBe(true);
      expect(vault.consent('/work/web')).toBeUndefined();
    }));
});
