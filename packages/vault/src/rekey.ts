import { HaspError } from '@hasp/core';
import { wrongKey } from './failures.ts';
import { type Header, readHeader, replaceHeader } from './header.ts';
import { INSIDE } from './inside.ts';
import { requireUsable, STRETCH_COST, type StretchCost, type UnlockKey } from './key-source.ts';
import type { Vault } from './vault.ts';
import { unwrapRoot, wrappingOf, wrapRoot } from './wrapping.ts';

export interface RekeyOptions {
  /** The new key is HOME/vault.key. */
  readonly defaultKeyFile?: boolean;
  /** Within the change, before it is stored; if it throws, the vault opens as before. */
  readonly beforeCommit?: () => void;
}

/**
 * From now on `key` opens the vault, and the key that it was opened with does not. The root key stays, so
 * whoever has the vault open goes on. Whether what the old key opened is gone from every byte says
 * `erasePending` of the vault.
 * @throws HaspError E_USAGE for the key that the vault has, E_WRONG_KEY if another hasp has changed it meanwhile
 */
export async function rekeyVault(vault: Vault, key: UnlockKey, options: RekeyOptions): Promise<void> {
  return rekeyVaultAt(vault, key, options, STRETCH_COST);
}

/** The same at another cost of Argon2id, for tests. */
export async function rekeyVaultAt(
  vault: Vault,
  key: UnlockKey,
  { beforeCommit, ...where }: RekeyOptions,
  cost: StretchCost,
): Promise<void> {
  const { database, keys, random, mustErase } = vault[INSIDE];
  requireUsable(key);
  await refusePresent(readHeader(database), key);
  const header = await wrapRoot(keys.root, keys.vaultId, key, { random, cost, ...where });
  vault.transaction(() => {
    if (!keys.sealedRoot?.equals(readHeader(database).sealedRoot)) {
      throw wrongKey('another hasp has changed the key of the vault meanwhile', 'nothing was changed; use the new key');
    }
    replaceHeader(database, header);
    mustErase();
    beforeCommit?.();
  });
}

async function refusePresent(header: Header, key: UnlockKey): Promise<void> {
  if (header.keySource !== key.source) return;
  const wrapping = await wrappingOf(key, header);
  const root = unwrapRoot(header, wrapping);
  wrapping.fill(0);
  if (root === undefined) return;
  root.fill(0);
  throw new HaspError('E_USAGE', 'that is the key that the vault has now', 'nothing was changed; give another one');
}
