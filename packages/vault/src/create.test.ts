import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { homeAt } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { createVault, createVaultAt, newVaultId } from './create.ts';
import { Database } from './database.ts';
import { readHeader, writeHeader } from './header.ts';
import { LockedVault, openVault, openVaultWithKeyFile, openVaultWithPassphrase, readVaultHeader } from './open.ts';
import { CHEAP, codeOf, KEY, textOf, tickingClock, withHome, withVault } from './scratch.ts';
import { Vault } from './vault.ts';

const passphrase = (text: string) => ({ source: 'passphrase' as const, bytes: Buffer.from(text) });
const ports = { random: randomBytes, clock: tickingClock() };

describe('a new vault', () => {
  it('is refused where there is one, and leaves that one as it is', () =>
    withVault(async (vault, home) => {
      await vault.set('a', Buffer.from('kept'));
      expect(await codeOf(() => createVault(home, KEY, randomBytes, tickingClock()))).toBe('E_EXISTS');
      expect(textOf(vault, 'a')).toBe('kept');
    }));

  it('made twice at once is made once', () =>
    withHome(async (home) => {
      const make = () => createVaultAt(home, passphrase('x'), ports, {}, CHEAP).then((vault) => vault.close());
      const outcomes = await Promise.all([1, 2, 3, 4].map(() => codeOf(make)));
      expect(outcomes.sort()).toEqual(['E_EXISTS', 'E_EXISTS', 'E_EXISTS', undefined]);
      expect(readdirSync(home.root)).toEqual(['vault.db']);
    }));

  it('has files that only the owner can read, under any umask', () =>
    withHome(async (home) => {
      for (const umask of [0o000, 0o077, 0o777]) {
        const own = { ...home, vault: `${home.root}/vault${umask}.db` };
        const before = process.umask(umask);
        try {
          const vault = await createVault(own, KEY, randomBytes, tickingClock());
          await vault.set('a', Buffer.from('x'));
          const modes = ['', '-wal', '-shm'].map((suffix) => statSync(own.vault + suffix).mode & 0o777);
          expect(modes).toEqual([0o600, 0o600, 0o600]);
          vault.close();
        } finally {
          process.umask(before);
        }
      }
    }));

  it('takes away what dead attempts left, and nothing else', () =>
    withHome(async (home) => {
      const beyondAnyPid = 2 ** 22 + 1;
      const dead = `vault.db.new-${beyondAnyPid}-0123456789abcdef`;
      const alive = `vault.db.new-${process.pid}-0123456789abcdef`;
      for (const name of [dead, `${dead}-wal`, alive, 'vault.db.new-mine']) writeFileSync(`${home.root}/${name}`, '');
      (await createVault(home, KEY, randomBytes, tickingClock())).close();
      expect(readdirSync(home.root).sort()).toEqual(['vault.db', alive, 'vault.db.new-mine'].sort());
    }));

  it('can not be made in a home that is not there, with an empty passphrase, or a key of another length', async () => {
    const nowhere = homeAt('/nonexistent/hasp');
    expect(await codeOf(() => createVault(nowhere, KEY, randomBytes, Date.now))).toBe('E_STORAGE');
    await withHome(async (home) => {
      expect(await codeOf(() => createVault(home, passphrase(''), randomBytes, Date.now))).toBe('E_USAGE');
      const short = { ...KEY, bytes: KEY.bytes.subarray(1) };
      expect(await codeOf(() => createVault(home, short, randomBytes, Date.now))).toBe('E_WRONG_KEY');
      expect(existsSync(home.vault)).toBe(false);
    });
  });
});

describe('a vault with a passphrase', () => {
  it('opens with it and with no other, and is never empty instead', () =>
    withHome(async (home) => {
      const vault = await createVaultAt(home, passphrase('correct horse'), ports, {}, CHEAP);
      await vault.set('a', Buffer.from('x'));
      vault.close();
      expect(readVaultHeader(home)).toEqual({ id: vault.id, keySource: 'passphrase', defaultKeyFile: false });
      const again = await openVaultWithPassphrase(home, passphrase('correct horse'));
      expect(textOf(again, 'a')).toBe('x');
      again.close();
      for (const wrong of ['correct hors', 'Correct horse', '']) {
        expect(await codeOf(() => openVault(home, passphrase(wrong)))).toBe('E_WRONG_KEY');
      }
      expect(await codeOf(() => openVaultWithKeyFile(home, KEY))).toBe('E_WRONG_KEY');
    }));
});

describe('a vault with a key file', () => {
  it('opens with it and with no other, without a promise', () =>
    withHome(async (home) => {
      (await createVault(home, KEY, randomBytes, Date.now, { defaultKeyFile: true })).close();
      expect(readVaultHeader(home)).toMatchObject({ keySource: 'key-file', defaultKeyFile: true });
      openVaultWithKeyFile(home, KEY).close();
      expect(await codeOf(() => openVaultWithKeyFile(home, { ...KEY, bytes: randomBytes(32) }))).toBe('E_WRONG_KEY');
      expect(await codeOf(() => openVaultWithKeyFile(home, { ...KEY, bytes: randomBytes(31) }))).toBe('E_WRONG_KEY');
      expect(await codeOf(() => openVault(home, passphrase('x')))).toBe('E_WRONG_KEY');
    }));
});

describe('a vault with a key in the keyring', () => {
  const ring = (bytes = KEY.bytes) => ({ source: 'keyring' as const, bytes });

  it('opens with it and with no other, without a promise, and nothing is stretched', () =>
    withHome(async (home) => {
      const id = newVaultId(randomBytes);
      const vault = await createVault(home, ring(), randomBytes, Date.now, { id });
      await vault.set('a', Buffer.from('x'));
      vault.close();
      expect(vault.id).toBe(id);
      expect(readVaultHeader(home)).toEqual({ id, keySource: 'keyring', defaultKeyFile: false });
      const again = openVault(home, ring());
      expect(again).toBeInstanceOf(Vault);
      expect(textOf(again as Vault, 'a')).toBe('x');
      (again as Vault).close();
      expect(await codeOf(() => openVault(home, ring(randomBytes(32))))).toBe('E_WRONG_KEY');
      expect(await codeOf(() => openVault(home, ring(randomBytes(31))))).toBe('E_WRONG_KEY');
      expect(await codeOf(() => openVault(home, KEY))).toBe('E_WRONG_KEY');
      expect(await codeOf(() => openVault(home, passphrase('x')))).toBe('E_WRONG_KEY');
    }));

  it('has a wrapping key that opens it elsewhere', () =>
    withHome(async (home) => {
      (await createVault(home, ring(), randomBytes, Date.now)).close();
      const locked = new LockedVault(home);
      const wrapping = await locked.wrappingKey(ring());
      expect(await codeOf(() => locked.wrappingKey(KEY))).toBe('E_WRONG_KEY');
      locked.unlockWithWrappingKey(wrapping).close();
    }));

  it('with a salt in its header is damaged, whatever its checksum says', () =>
    withHome(async (home) => {
      (await createVault(home, ring(), randomBytes, Date.now)).close();
      const database = new Database(home.vault);
      const header = { ...readHeader(database), stretchSalt: randomBytes(16) };
      database.exec('DELETE FROM header');
      writeHeader(database, header);
      database.close();
      expect(await codeOf(() => openVault(home, ring()))).toBe('E_VAULT_CORRUPT');
    }));
});
