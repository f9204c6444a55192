import type { AuditMark } from '@hasp/core';
import { INSIDE } from './inside.ts';
import { deriveAuditKey } from './keys.ts';
import type { Vault } from './vault.ts';

/** The first sealing key of any chain of this vault, present, past or to come; the caller wipes it. */
export function chainKey(vault: Vault, chain: string): Uint8Array {
  return deriveAuditKey(vault[INSIDE].keys.for('audit'), Buffer.from(chain, 'hex'));
}

/** From now on the log is another chain, which goes as far as this mark. Nothing of the old mark is kept. */
export function restartChain(vault: Vault, mark: AuditMark): void {
  vault.transaction(() => vault[INSIDE].mark.restart(mark));
}
