import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createVaultAt } from './create.ts';
import { openVaultWithKeyFile, openVaultWithPassphrase, readVaultHeader } from './open.ts';
import { rekeyVaultAt } from './rekey.ts';
import { CHEAP, codeOf, KEY, textOf, tickingClock, withHome, withVault } from './scratch.ts';

const passphrase = (text: string) => ({ source: 'passphrase' as const, bytes: Buffer.from(text) });
const ring = { source: 'keyring' as const, bytes: randomBytes(32) };

describe('a vault with another key', () => {
  it('opens with that one alone, and has all that it had', () =>
    withHome(async (home) => {
      const ports = { random: randomBytes, clock: tickingClock() };
      const vault = await createVaultAt(home, passphrase('one'), ports, {}, CHEAP);
      await vault.set('a', Buffer.from('x'));
      const key = Buffer.from(vault.auditKey());
      for (const next of [passphrase('two'), KEY, ring, passphrase('three')]) {
        await rekeyVaultAt(vault, next, {}, CHEAP).catch((error) => expect(error.code).toBe('E_WRONG_KEY'));
      }
      vault.close();
      expect(await codeOf(() => openVaultWithPassphrase(home, passphrase('one')))).toBe('E_WRONG_KEY');
      const again = await openVaultWithPassphrase(home, passphrase('two'));
      expect([textOf(again, 'a'), Buffer.from(again.auditKey()).equals(key)]).toEqual(['x', true]);
      await rekeyVaultAt(again, KEY, { defaultKeyFile: true }, CHEAP);
      again.close();
      expect(readVaultHeader(home)).toMatchObject({ keySource: 'key-file', defaultKeyFile: true, id: vault.id });
      openVaultWithKeyFile(home, KEY).close();
    }));

  it('is what it was if the key is the present one, is none, or the record can not be made', () =>
    withVault(async (vault, home) => {
      expect(await codeOf(() => rekeyVaultAt(vault, KEY, {}, CHEAP))).toBe('E_USAGE');
      expect(await codeOf(() => rekeyVaultAt(vault, passphrase(''), {}, CHEAP))).toBe('E_USAGE');
      const short = { ...KEY, bytes: KEY.bytes.subarray(1) };
      expect(await codeOf(() => rekeyVaultAt(vault, short, {}, CHEAP))).toBe('E_WRONG_KEY');
      const beforeCommit = () => {
        throw new Error('no record');
      };
      await expect(rekeyVaultAt(vault, passphrase('two'), { beforeCommit }, CHEAP)).rejects.toThrow('no record');
      openVaultWithKeyFile(home, KEY).close();
    }));

  it('is not changed again by who opened it before', () =>
    withVault(async (vault, home) => {
      const other = openVaultWithKeyFile(home, KEY);
      await rekeyVaultAt(other, ring, {}, CHEAP);
      expect(await codeOf(() => rekeyVaultAt(vault, passphrase('two'), {}, CHEAP))).toBe('E_WRONG_KEY');
      await vault.set('a', Buffer.from('still'));
      expect(textOf(other, 'a')).toBe('still');
      other.close();
    }));
});
