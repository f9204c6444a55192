import { randomBytes } from 'node:crypto';
import type { Home } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { renameSecret } from './rename.ts';
import { isAnywhere, withVault } from './scratch.ts';

function sealedRows(home: Home): Buffer[] {
  const database = new Database(home.vault);
  try {
    return database.rows('SELECT sealed FROM versions ORDER BY version').map((row) => row['sealed'] as Buffer);
  } finally {
    database.close();
  }
}

/** The middle of it, so that pages and cells can't split it at the ends. */
const core = (sealed: Buffer | undefined) => sealed?.subarray(32, 64) ?? Buffer.alloc(0);

describe('what is destroyed', () => {
  it('is in no byte of the home: one version, forgotten versions, the whole secret', () =>
    withVault(async (vault, home) => {
      const values = [randomBytes(40), randomBytes(40), randomBytes(9_000)];
      for (const value of values) await vault.set('a', value);
      const rows = sealedRows(home);
      expect(rows.map((row) => isAnywhere(home, core(row)))).toEqual([true, true, true]);
      vault.remove('a', 1);
      expect(vault.erasePending).toBe(false);
      expect(rows.map((row) => isAnywhere(home, core(row)))).toEqual([false, true, true]);
      await vault.rotate('a', randomBytes(40), { forget: true });
      expect(rows.map((row) => isAnywhere(home, core(row)))).toEqual([false, false, false]);
      const [last] = sealedRows(home);
      expect(isAnywhere(home, core(last))).toBe(true);
      vault.remove('a');
      expect(isAnywhere(home, core(last))).toBe(false);
      for (const value of values) expect(isAnywhere(home, value.subarray(0, 32))).toBe(false);
    }));

  it('in a rename is what was sealed under the old name', () =>
    withVault(async (vault, home) => {
      await vault.set('a', randomBytes(40));
      const [row] = sealedRows(home);
      await renameSecret(vault, 'a', 'b');
      expect(isAnywhere(home, core(row))).toBe(false);
    }));

  it('in a transaction is gone once the outermost one is stored', () =>
    withVault(async (vault, home) => {
      await vault.set('a', randomBytes(40));
      const [row] = sealedRows(home);
      vault.transaction(() => vault.remove('a'));
      expect(isAnywhere(home, core(row))).toBe(false);
    }));

  it('while another process reads is told as pending, and gone with the next removal', () =>
    withVault(async (vault, home) => {
      await vault.set('a', randomBytes(40));
      await vault.set('b', randomBytes(40));
      const [row] = sealedRows(home);
      const reader = new Database(home.vault);
      reader.read(() => {
        reader.rows('SELECT * FROM versions');
        vault.remove('a');
      });
      expect(vault.erasePending).toBe(true);
      expect(vault.list().map(({ name }) => name)).toEqual(['b']);
      vault.remove('b');
      expect(vault.erasePending).toBe(false);
      expect(isAnywhere(home, core(row))).toBe(false);
      reader.close();
    }));
});

describe('a stolen file', () => {
  it('shows no value, no name, no root of a project, and no length of a value', () =>
    withVault(async (vault, home) => {
      const canary = 'canary-7f3a9b';
      await vault.set('one-byte-name', Buffer.from('x'));
      await vault.set('n'.repeat(200), Buffer.from(canary.padEnd(60)));
      vault.trust('/work/secret-project', 'aa'.repeat(32), ['one-byte-name']);
      for (const text of [canary, 'one-byte-name', 'nnnnnnnn', 'secret-project', 'aaaaaaaa']) {
        expect(isAnywhere(home, Buffer.from(text))).toBe(false);
      }
      const database = new Database(home.vault);
      const lengths = database.rows('SELECT length(sealed) AS l FROM versions').map((row) => row['l']);
      database.close();
      expect(lengths).toEqual([112, 112]);
    }));
});
