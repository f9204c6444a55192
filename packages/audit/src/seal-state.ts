import type { Home } from '@hasp/core';
import { realDisk } from './disk.ts';
import { asReadError } from './failures.ts';
import { readSeal, type Seal } from './seal.ts';
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
    return typeof seal === 'string' ? seal : withoutKey(seal);
  } catch (error) {
    throw asReadError(error);
  }
}

/** Of the seal that is open. */
export function sealIn(fd: number): SealState {
  const seal = readSeal(realDisk, fd);
  return seal === undefined ? 'damaged' : withoutKey(seal);
}

function withoutKey({ chain, seq, offset, mac, key }: Seal): SealState {
  key.fill(0);
  return { chain, seq, offset, mac };
}
