import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import type { Home } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { createVault } from './create.ts';
import { bytesOf, Database, type Row } from './database.ts';
import { openVaultWithKeyFile } from './open.ts';
import { codeOf, KEY, textOf, tickingClock, withHome, withVault } from './scratch.ts';
import type { Vault } from './vault.ts';

const bytes = (text: string) => Buffer.from(text);

/** What someone does who can write the file and has no key. */
function attack(home: Home, ...statements: string[]): void {
  const database = new Database(home.vault);
  for (const statement of statements) database.exec(statement);
  database.close();
}

function look<T>(home: Home, deed: (database: Database) => T): T {
  const database = new Database(home.vault);
  try {
    return deed(database);
  } finally {
    database.close();
  }
}

const sealedOf = (row: Row | undefined) => `x'${bytesOf(row, 'sealed').toString('hex')}'`;

/** The sealed entries and versions as they stand, to be put back later. */
function keep(home: Home, table: string): string {
  attack(home, `DROP TABLE IF EXISTS old_${table}; CREATE TABLE old_${table} AS SELECT * FROM ${table}`);
  return `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM old_${table}`;
}

describe('a row', () => {
  it('moved to another secret does not open there', () =>
    withVault(async (vault, home) => {
      await vault.set('a', bytes('value of a'));
      await vault.set('b', bytes('value of b'));
      const [first, second] = look(home, (database) => database.rows('SELECT sealed FROM versions ORDER BY rowid'));
      attack(home, `UPDATE versions SET sealed = ${sealedOf(first)} WHERE sealed = ${sealedOf(second)}`);
      expect(textOf(vault, 'a')).toBe('value of a');
      expect(await codeOf(() => vault.get({ name: 'b' }))).toBe('E_VAULT_CORRUPT');
      attack(home, `UPDATE versions SET secret = randomblob(16)`);
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
    }));

  it('of an older version put in the place of the newest does not open there', () =>
    withVault(async (vault, home) => {
      await vault.set('a', bytes('old'));
      await vault.set('a', bytes('new'));
      attack(home, 'UPDATE versions SET sealed = (SELECT sealed FROM versions WHERE version = 1)');
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
      attack(home, 'DELETE FROM versions WHERE version = 2');
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
      attack(home, 'UPDATE versions SET version = 2');
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
    }));

  it('kept from before a removal does not come back under the same name and number', () =>
    withVault(async (vault, home) => {
      await vault.set('a', bytes('old'));
      const old = look(home, (database) => database.row('SELECT sealed FROM versions'));
      vault.remove('a');
      await vault.set('a', bytes('new'));
      attack(home, `UPDATE versions SET sealed = ${sealedOf(old)}`);
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
    }));
});

describe('a secret', () => {
  it('put back whole to how it was, entry and versions, is noticed', () =>
    withVault(async (vault, home) => {
      await vault.set('a', bytes('old'));
      const restore = [keep(home, 'buckets'), keep(home, 'versions')];
      await vault.rotate('a', bytes('new'), { forget: true });
      attack(home, ...restore);
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
      expect(await codeOf(() => vault.list())).toBe('E_VAULT_CORRUPT');
      expect(await codeOf(() => vault.set('a', bytes('x')))).toBe('E_VAULT_CORRUPT');
    }));

  it('taken away is damage, not absence; and one that was never there is absence', () =>
    withVault(async (vault, home) => {
      await vault.set('a', bytes('x'));
      attack(home, 'DELETE FROM buckets');
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
      attack(home, 'DELETE FROM versions; DELETE FROM summary');
      expect(await codeOf(() => vault.get({ name: 'a' }))).toBe('E_VAULT_CORRUPT');
    }));

  it('with a bucket moved to the place of another is noticed', () =>
    withVault(async (vault, home) => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await vault.set(name, bytes(name));
      attack(
        home,
        'UPDATE buckets SET bucket = bucket + 1000',
        'UPDATE buckets SET bucket = (bucket - 1000 + 1) % 256',
      );
      expect(await codeOf(() => vault.list())).toBe('E_VAULT_CORRUPT');
    }));
});

describe('consent', () => {
  it('taken back stays so, whatever rows are put in again', () =>
    withVault((vault, home) => {
      vault.trust('/work', 'aa', ['x']);
      const restore = keep(home, 'buckets');
      vault.untrust('/work');
      attack(home, restore);
      expect(vault.consent('/work')).toBeUndefined();
    }));
});

describe('the audit mark', () => {
  it('set back, or gone, is damage', () =>
    withVault(async (vault, home) => {
      vault.writeMark({ chain: vault.chain(), seq: 9, mac: 'ab'.repeat(32) });
      attack(home, 'UPDATE mark SET seq = 8');
      expect(await codeOf(() => vault.mark())).toBe('E_VAULT_CORRUPT');
      attack(home, 'DELETE FROM mark');
      expect(await codeOf(() => vault.mark())).toBe('E_VAULT_CORRUPT');
      expect(await codeOf(() => vault.auditKey())).toBe('E_VAULT_CORRUPT');
    }));
});

describe('a header', () => {
  const other = (home: Home) => ({ ...home, vault: `${home.root}/other.db` });
  const make = async (home: Home, name: string): Promise<void> => {
    const vault = await createVault(home, KEY, randomBytes, tickingClock());
    await vault.set(name, bytes('x'));
    vault.close();
  };
  const open = (home: Home, deed: (vault: Vault) => unknown) => () => {
    const vault = openVaultWithKeyFile(home, KEY);
    try {
      return deed(vault);
    } finally {
      vault.close();
    }
  };

  it('of another vault of the same key is damage at the first look', () =>
    withHome(async (home) => {
      await make(home, 'a');
      await make(other(home), 'a');
      const database = new Database(home.vault);
      database.exec(
        `ATTACH '${other(home).vault}' AS o; DELETE FROM header; INSERT INTO header SELECT * FROM o.header`,
      );
      database.close();
      expect(await codeOf(open(home, (vault) => vault.get({ name: 'a' })))).toBe('E_VAULT_CORRUPT');
      expect(await codeOf(open(home, (vault) => vault.get({ name: 'never' })))).toBe('E_VAULT_CORRUPT');
      expect(await codeOf(open(home, (vault) => vault.list()))).toBe('E_VAULT_CORRUPT');
      expect(await codeOf(open(home, (vault) => vault.mark()))).toBe('E_VAULT_CORRUPT');
    }));

  it('changed in any column is damage before a key is tried', () =>
    withHome(async (home) => {
      await make(home, 'a');
      copyFileSync(home.vault, `${home.root}/good`);
      for (const change of [
        'UPDATE header SET format = 2',
        'UPDATE header SET vault_id = randomblob(16)',
        "UPDATE header SET key_source = 'passphrase'",
        "UPDATE header SET key_source = 'none'",
        'UPDATE header SET default_key_file = 1',
        'UPDATE header SET argon2_memory_kib = 1',
        "UPDATE header SET argon2_salt = x'00'",
        'UPDATE header SET root = randomblob(80)',
        "UPDATE header SET root = x''",
        'DELETE FROM header',
        'DROP TABLE header',
        'PRAGMA application_id = 1',
        'PRAGMA user_version = 2',
      ]) {
        copyFileSync(`${home.root}/good`, home.vault);
        attack(home, change);
        expect([change, await codeOf(open(home, () => 0))]).toEqual([change, 'E_VAULT_CORRUPT']);
      }
    }));
});
