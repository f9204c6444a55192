import { randomBytes } from 'node:crypto';
import type { Home } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { openVaultWithKeyFile } from './open.ts';
import { renameSecret } from './rename.ts';
import { isAnywhere, KEY, withVault } from './scratch.ts';
import type { Vault } from './vault.ts';

const NO_SECRET = Buffer.alloc(16);

async function fill(vault: Vault, count = 40): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (let at = 0; at < count; at += 1) {
    const value = randomBytes(20).toString('hex');
    await vault.set(`s${at}`, Buffer.from(value));
    values.set(`s${at}@1`, value);
  }
  return values;
}

const everyOf = (vault: Vault) =>
  new Map(
    vault
      .everyValue()
      .map(({ name, version, value }) => [`${name}@${version}`, Buffer.from(value.reveal()).toString()]),
  );

function sheafOf(home: Home): Buffer | undefined {
  const database = new Database(home.vault);
  try {
    return database.row('SELECT sealed FROM versions WHERE secret = ?', NO_SECRET)?.['sealed'] as Buffer | undefined;
  } finally {
    database.close();
  }
}

function putSheaf(home: Home, sealed: Buffer): void {
  const database = new Database(home.vault);
  database.run('INSERT OR REPLACE INTO versions (secret, version, sealed) VALUES (?, 0, ?)', NO_SECRET, sealed);
  database.close();
}

describe('all values at once', () => {
  it('are the same from their versions and from the sheaf', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault);
      expect(sheafOf(home)).toBeUndefined();
      expect(everyOf(vault)).toEqual(values);
      expect(sheafOf(home)).toBeDefined();
      expect(everyOf(vault)).toEqual(values);
    }));

  it('are few enough to be opened one by one: nothing is kept twice', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault, 3);
      expect(everyOf(vault)).toEqual(values);
      expect(sheafOf(home)).toBeUndefined();
    }));

  it('follow every change', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault);
      everyOf(vault);
      await vault.set('s0', Buffer.from('second'));
      expect(sheafOf(home)).toBeUndefined();
      values.set('s0@2', 'second');
      expect(everyOf(vault)).toEqual(values);
      await vault.rotate('s0', Buffer.from('third'), { forget: true });
      values.delete('s0@1');
      values.delete('s0@2');
      values.set('s0@3', 'third');
      expect(everyOf(vault)).toEqual(values);
      await renameSecret(vault, 's0', 't');
      values.delete('s0@3');
      values.set('t@3', 'third');
      expect(everyOf(vault)).toEqual(values);
      vault.remove('t');
      values.delete('t@3');
      expect(everyOf(vault)).toEqual(values);
      expect(everyOf(vault)).toEqual(values);
    }));

  it('come from their versions where the sheaf is an old one, put back by somebody', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault);
      everyOf(vault);
      const old = sheafOf(home) ?? Buffer.alloc(0);
      vault.remove('s7');
      values.delete('s7@1');
      putSheaf(home, old);
      expect(everyOf(vault)).toEqual(values);
    }));

  it('are found without keeping them while somebody writes', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault);
      const writer = new Database(home.vault);
      writer.transaction(() => expect(everyOf(vault)).toEqual(values));
      writer.close();
      expect(sheafOf(home)).toBeUndefined();
      vault.transaction(() => expect(everyOf(vault)).toEqual(values));
      expect(sheafOf(home)).toBeUndefined();
    }));
});

describe('what is made of all values', () => {
  const derivation = (label = 'names', calls: string[] = []) => ({
    label,
    make: (values: readonly { name: string; bytes: Uint8Array }[]) => {
      calls.push(label);
      return values.map(({ name, bytes }) => `${name}=${Buffer.from(bytes).toString()}`).sort();
    },
    pack: (made: string[]) => Buffer.from(made.join()),
    unpack: (packed: Buffer) => packed.toString().split(','),
  });

  it('is made once, and again after a change, or under another label', () =>
    withVault(async (vault) => {
      const calls: string[] = [];
      await vault.set('a', Buffer.from('one'));
      for (let turn = 0; turn < 3; turn += 1) expect(vault.derived(derivation('x', calls))).toEqual(['a=one']);
      expect(calls).toEqual(['x']);
      expect(vault.derived(derivation('y', calls))).toEqual(['a=one']);
      await vault.set('b', Buffer.from('two'));
      for (let turn = 0; turn < 3; turn += 1) expect(vault.derived(derivation('y', calls))).toEqual(['a=one', 'b=two']);
      expect(calls).toEqual(['x', 'y', 'y']);
    }));

  it('goes with what was in it', () =>
    withVault(async (vault, home) => {
      await vault.set('a', randomBytes(40));
      vault.derived(derivation());
      const database = new Database(home.vault);
      const sealed = database.row('SELECT sealed FROM versions WHERE secret = ?', NO_SECRET)?.['sealed'] as Buffer;
      database.close();
      expect(isAnywhere(home, sealed.subarray(40, 80))).toBe(true);
      vault.remove('a');
      expect(isAnywhere(home, sealed.subarray(40, 80))).toBe(false);
    }));
});

describe('the sheaf', () => {
  it('goes with what it held: of a removed value no byte is left', () =>
    withVault(async (vault, home) => {
      await fill(vault);
      everyOf(vault);
      const sealed = sheafOf(home) ?? Buffer.alloc(0);
      expect(isAnywhere(home, sealed.subarray(100, 164))).toBe(true);
      vault.remove('s3');
      for (let at = 40; at + 64 < 1500; at += 64)
        expect([at, isAnywhere(home, sealed.subarray(at, at + 64))]).toEqual([at, false]);
    }));

  it('is not stored by who has read before another process removed', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault);
      const other = openVaultWithKeyFile(home, KEY);
      // The salt is asked for between the read and the store.
      const random = (count: number) => {
        other.remove('s5');
        return randomBytes(count);
      };
      const slow = openVaultWithKeyFile(home, KEY, { random });
      expect(everyOf(slow)).toEqual(values);
      expect(sheafOf(home)).toBeUndefined();
      other.close();
      slow.close();
    }));

  it('shows neither values nor names', () =>
    withVault(async (vault, home) => {
      const values = await fill(vault);
      everyOf(vault);
      for (const value of values.values()) expect(isAnywhere(home, Buffer.from(value))).toBe(false);
      expect(sheafOf(home)?.length).toBeLessThan(3_000);
    }));
});
