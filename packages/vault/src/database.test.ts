import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { homeAt } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { readVaultHeader } from './open.ts';
import { codeOf, withHome, withVault } from './scratch.ts';

describe('a failure of the storage', () => {
  it('by a full disk is E_STORAGE and changes nothing', () =>
    withVault(async (vault, home) => {
      await vault.set('a', Buffer.alloc(10));
      const database = new Database(home.vault);
      database.exec('CREATE TABLE filler (bytes BLOB); PRAGMA max_page_count = 20');
      const fill = () => database.run('INSERT INTO filler VALUES (?)', Buffer.alloc(100_000));
      expect(await codeOf(() => database.transaction(fill))).toBe('E_STORAGE');
      expect(database.row('SELECT count(*) AS n FROM filler')).toEqual({ n: 0 });
      database.close();
    }));

  it('within a transaction that goes on regardless stores nothing of what follows', () =>
    withVault(async (_vault, home) => {
      const database = new Database(home.vault);
      database.exec('CREATE TABLE filler (n INTEGER)');
      const insert = () => database.run('INSERT INTO filler VALUES (1)');
      const goOn = () => {
        insert();
        // What SQLite does by itself after some failures.
        database.exec('ROLLBACK');
        insert();
      };
      expect(await codeOf(() => database.transaction(goOn))).toBe('E_STORAGE');
      expect(database.row('SELECT count(*) AS n FROM filler')).toEqual({ n: 0 });
      expect(database.inTransaction).toBe(false);
      database.close();
    }));

  it('by a folder in the place of the file is E_STORAGE', () =>
    withHome(async (home) => {
      mkdirSync(home.vault);
      expect(await codeOf(() => readVaultHeader(home))).toBe('E_STORAGE');
    }));

  it('by no file or no home is E_VAULT_MISSING, and makes none', () =>
    withHome(async (home) => {
      expect(await codeOf(() => readVaultHeader(home))).toBe('E_VAULT_MISSING');
      expect(await codeOf(() => readVaultHeader(home))).toBe('E_VAULT_MISSING');
      expect(await codeOf(() => readVaultHeader(homeAt(`${home.root}/none`)))).toBe('E_VAULT_MISSING');
    }));

  it('by another program that holds the lock is E_STORAGE, once the wait is over', () =>
    withVault(async (_vault, home) => {
      const [holder, waiter] = [new Database(home.vault), new Database(home.vault)];
      waiter.exec('PRAGMA busy_timeout=50');
      await holder.transaction(() => {
        holder.run('DELETE FROM buckets');
        expect(() => waiter.transaction(() => 1)).toThrow('the vault is in use by another process');
      });
      holder.close();
      waiter.close();
    }));
});

describe('what is no vault', () => {
  it('is E_VAULT_CORRUPT: text, another program’s database', () =>
    withHome(async (home) => {
      writeFileSync(
        home.vault,
        'this is a text, not a database, and long enough to be read as a header of one'.repeat(20),
      );
      expect(await codeOf(() => readVaultHeader(home))).toBe('E_VAULT_CORRUPT');
      writeFileSync(home.vault, '');
      chmodSync(home.vault, 0o600);
      const database = new Database(home.vault);
      database.exec('CREATE TABLE notes (n INTEGER)');
      database.close();
      expect(await codeOf(() => readVaultHeader(home))).toBe('E_VAULT_CORRUPT');
    }));
});

describe('every connection', () => {
  it('writes through to the disk, erases what it deletes and trusts no schema', () =>
    withVault(async (_vault, home) => {
      const database = new Database(home.vault);
      const pragma = (name: string) => Object.values(database.row(`PRAGMA ${name}`) ?? {})[0];
      expect(pragma('journal_mode')).toBe('wal');
      expect(pragma('synchronous')).toBe(2);
      expect(pragma('secure_delete')).toBe(1);
      expect(pragma('trusted_schema')).toBe(0);
      expect(Number(pragma('busy_timeout'))).toBeGreaterThanOrEqual(15_000);
      expect(pragma('application_id')).toBe(0x68617370);
      expect(pragma('integrity_check')).toBe('ok');
      database.close();
    }));
});

describe('the write-ahead log', () => {
  const change = (database: Database) =>
    database.transactionUnsynced(() => database.run('UPDATE mark SET seq = seq + 1'));

  it('stays short, however often the vault is used by processes that do not close it', () =>
    withVault(async (_vault, home) => {
      const database = new Database(home.vault);
      for (let count = 0; count < 200; count += 1) {
        change(database);
        expect(statSync(`${home.vault}-wal`).size).toBeLessThan(300_000);
      }
      database.close();
    }));

  it('grows as long as somebody reads from it, and holds up nobody', () =>
    withVault(async (_vault, home) => {
      const [reader, writer] = [new Database(home.vault), new Database(home.vault)];
      reader.read(() => {
        reader.row('SELECT format FROM header');
        for (let count = 0; count < 100; count += 1) change(writer);
        expect(statSync(`${home.vault}-wal`).size).toBeGreaterThan(400_000);
      });
      change(writer);
      expect(statSync(`${home.vault}-wal`).size).toBe(0);
      for (const each of [reader, writer]) each.close();
    }));
});
