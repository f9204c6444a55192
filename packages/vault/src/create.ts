import { existsSync } from 'node:fs';
import type { Clock, Home, Random } from '@hasp/core';
import { Database } from './database.ts';
import { Entries } from './entries.ts';
import { type Header, ID_BYTES, writeHeader } from './header.ts';
import { requireUsable, STRETCH_COST, type StretchCost, type UnlockKey } from './key-source.ts';
import { KEY_BYTES, Keys } from './keys.ts';
import { MarkRow } from './mark.ts';
import { makeTemporary, publish, removeLeftovers, removeTemporary, vaultExists } from './new-file.ts';
import { migrate } from './schema.ts';
import { Vault, type VaultPorts } from './vault.ts';
import { wrapRoot } from './wrapping.ts';

const CHAIN_BYTES = 16;

export interface CreateOptions {
  /** The key is HOME/vault.key; whoever opens the vault may look for it there. */
  readonly defaultKeyFile?: boolean;
  /** For a key that is kept under the vault's id before there is the vault. @see newVaultId */
  readonly id?: string;
}

/** 32 hex digits. */
export function newVaultId(random: Random): string {
  return Buffer.from(random(ID_BYTES)).toString('hex');
}

/**
 * A new vault, open. It is whole or not there at any moment: it is made under another name in the home,
 * synced, and then renamed. Of several processes only the one that has `takeMaking` may.
 * @throws HaspError E_EXISTS, E_STORAGE, E_USAGE, and E_WRONG_KEY for a key that is no passphrase and has not 32 bytes
 */
export async function createVault(
  home: Home,
  key: UnlockKey,
  random: Random,
  clock: Clock,
  options: CreateOptions = {},
): Promise<Vault> {
  return createVaultAt(home, key, { random, clock }, options, STRETCH_COST);
}

/** The same at another cost of Argon2id, within the bounds. Not for users: tests need it cheap. */
export async function createVaultAt(
  home: Home,
  key: UnlockKey,
  ports: VaultPorts,
  options: CreateOptions,
  cost: StretchCost,
): Promise<Vault> {
  requireUsable(key);
  removeLeftovers(home);
  if (existsSync(home.vault)) throw vaultExists();
  const root = Buffer.from(ports.random(KEY_BYTES));
  const vaultId = Buffer.from(options.id ?? newVaultId(ports.random), 'hex');
  const header = await wrapRoot(root, vaultId, key, { random: ports.random, cost, ...options });
  const temporary = makeTemporary(home, ports.random);
  try {
    fill(temporary, header, root, ports.random);
    publish(temporary, home);
  } catch (error) {
    root.fill(0);
    throw error;
  } finally {
    removeTemporary(temporary);
  }
  return new Vault(new Database(home.vault), new Keys(root, header.vaultId, header.sealedRoot), ports);
}

function fill(path: string, header: Header, root: Buffer, random: Random): void {
  const database = new Database(path);
  const keys = new Keys(Buffer.from(root), header.vaultId);
  try {
    database.transaction(() => layOut(database, header, keys, random));
    database.keepWriteAheadLog();
  } finally {
    keys.wipe();
    database.close();
  }
}

/** The tables of a vault that holds nothing yet, with a new audit chain. Call within `transaction`. */
export function layOut(database: Database, header: Header, keys: Keys, random: Random): void {
  migrate(database, 0);
  writeHeader(database, header);
  new Entries(database, keys).initialize();
  new MarkRow(database, keys).initialize(Buffer.from(random(CHAIN_BYTES)));
}
