import type { Home } from '@hasp/core';
import { asReadError } from './failures.ts';
import { readAlone } from './snapshot.ts';

/** What audit.seal says, but for its key. */
export type SealState =
  | 'missing'
  | 'damaged'
  | { readonly chain: string; readonly seq: number; readonly offset: number; readonly mac: string };

/** @throws HaspError E_STORAGE */
export function sealState(home: Home): SealState {
  try {
    const seal = readAlone(home.auditSeal);
    if (typeof seal === 'string') return seal;
    seal.key.fill(0);
    const { chain, seq, offset, mac } = seal;
    return { chain, seq, offset, mac };
  } catch (error) {
    throw asReadError(error);
  }
}
