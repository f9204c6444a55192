import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { HaspError, type Home, homeAt } from '@hasp/core';
import { createVault } from './create.ts';
import type { StretchCost, UnlockKey } from './key-source.ts';
import type { Vault } from './vault.ts';

// For the tests of this package.

/** The lower bound: what stretching is worth is not what the tests are about. */
export const CHEAP: StretchCost = { memoryKiB: 8_192, passes: 1, lanes: 1 };

export const KEY: UnlockKey = { source: 'key-file', bytes: createHash('sha256').update('a test key').digest() };

/** 2026-11-21T14:03:07.123Z, then a second later each time. */
export function tickingClock(): () => number {
  let now = Date.parse('2026-11-21T14:03:07.123Z') - 1000;
  return () => {
    now += 1000;
    return now;
  };
}

/** Runs `deed` with an empty home that is gone after. */
export async function withHome<T>(deed: (home: Home) => T | Promise<T>): Promise<T> {
  const root = mkdtempSync(`${tmpdir()}/hasp-vault-`);
  try {
    return await deed(homeAt(root));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The same with a new vault that `KEY` opens. */
export async function withVault<T>(deed: (vault: Vault, home: Home) => T | Promise<T>): Promise<T> {
  return withHome(async (home) => {
    const vault = await createVault(home, KEY, randomBytes, tickingClock());
    try {
      return await deed(vault, home);
    } finally {
      vault.close();
    }
  });
}

export function textOf(vault: Vault, name: string, version?: number): string {
  const { value } = vault.get(version === undefined ? { name } : { name, version });
  return Buffer.from(value.reveal()).toString('utf8');
}

/** The code of the HaspError that `deed` throws; anything else it throws goes on; undefined if nothing. */
export async function codeOf(deed: () => unknown): Promise<string | undefined> {
  try {
    await deed();
    return undefined;
  } catch (error) {
    if (error instanceof HaspError) return error.code;
    throw error;
  }
}

/** Whether the bytes stand in any file of the home. */
export function isAnywhere(home: Home, bytes: Buffer): boolean {
  return readdirSync(home.root).some((name) => readFileSync(`${home.root}/${name}`).includes(bytes));
}
