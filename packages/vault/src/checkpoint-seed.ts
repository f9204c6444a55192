import { INSIDE } from './inside.ts';
import type { Vault } from './vault.ts';

/** What the vault signs checkpoints of its log with: the seed of an Ed25519 key, 32 bytes. The caller wipes it. */
export function checkpointSeed(vault: Vault): Uint8Array {
  return Uint8Array.from(vault[INSIDE].keys.for('checkpoint'));
}
