import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { HaspError, type Home } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { createVault } from './create.ts';
import { openVaultWithKeyFile } from './open.ts';
import { codeOf, KEY, tickingClock, withHome } from './scratch.ts';

const VALUES = new Map([
  ['a', Buffer.from('short')],
  ['db/url', Buffer.from('postgres://user:pass@host/db')],
  ['big', createHash('sha512').update('big').digest()],
  ['long', Buffer.alloc(9_000, 'x')],
]);

async function makeVault(home: Home): Promise<Buffer> {
  const vault = await createVault(home, KEY, randomBytes, tickingClock());
  for (const [name, value] of VALUES) await vault.set(name, value);
  vault.close();
  return readFileSync(home.vault);
}

function put(home: Home, content: Uint8Array): void {
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(home.vault + suffix, { force: true });
  writeFileSync(home.vault, content);
}

/** Reads everything. Each value is the right one or a HaspError; how many were right. */
function readAll(home: Home): number {
  let right = 0;
  const attempt = (deed: () => void) => {
    try {
      deed();
      right++;
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
      expect(['E_VAULT_CORRUPT', 'E_WRONG_KEY', 'E_STORAGE']).toContain(error.code);
    }
  };
  attempt(() => {
    const vault = openVaultWithKeyFile(home, KEY);
    for (const [name, value] of VALUES) {
      attempt(() => expect(value.equals(vault.get({ name }).value.reveal())).toBe(true));
    }
    attempt(() => expect(vault.list().map(({ name }) => name)).toEqual([...VALUES.keys()].sort()));
    vault.close();
  });
  return right;
}

describe('a vault.db with a changed byte', () => {
  it('gives an error or the right values, at 200 places', () =>
    withHome(async (home) => {
      const good = await makeVault(home);
      let damaged = 0;
      for (let round = 0; round < 200; round++) {
        const random = createHash('sha256').update(`place ${round}`).digest();
        // Every other one in the first 100 bytes and the schema, where SQLite itself is most easily misled.
        const at = random.readUInt32BE() % (round % 2 === 0 ? good.length : 4096);
        const changed = Buffer.from(good);
        changed[at] = (changed[at] ?? 0) ^ ((random[4] ?? 0) || 1);
        put(home, changed);
        if (readAll(home) < VALUES.size + 2) damaged++;
      }
      expect(damaged).toBeGreaterThan(20);
      put(home, good);
      expect(readAll(home)).toBe(VALUES.size + 2);
    }));

  it('or cut short, empty, or no database at all, is an error', () =>
    withHome(async (home) => {
      const good = await makeVault(home);
      for (const content of [Buffer.alloc(0), good.subarray(0, 50), good.subarray(0, 5000), randomBytes(good.length)]) {
        put(home, content);
        expect(await codeOf(() => openVaultWithKeyFile(home, KEY))).toBe('E_VAULT_CORRUPT');
      }
    }));
});
