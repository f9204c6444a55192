import { HaspError } from '@hasp/core';
import { wrongKey } from './failures.ts';
import { KEY_BYTES } from './keys.ts';

export const KEY_SOURCES = ['passphrase', 'key-file', 'keyring'] as const;
export type KeySource = (typeof KEY_SOURCES)[number];

/** What opens a vault: a passphrase as UTF-8, or the 32 bytes of a key file or of an entry of the keyring. The caller wipes `bytes` after. */
export interface UnlockKey {
  readonly source: KeySource;
  readonly bytes: Uint8Array;
}

/** The cost of Argon2id (RFC 9106), version 0x13, 32 bytes out. */
export interface StretchCost {
  readonly memoryKiB: number;
  readonly passes: number;
  /** Parallelism; libsodium knows only 1. */
  readonly lanes: number;
}

export const STRETCH_COST: StretchCost = { memoryKiB: 65_536, passes: 3, lanes: 1 };
export const NO_STRETCH: StretchCost = { memoryKiB: 0, passes: 0, lanes: 0 };

/**
 * 8 MiB to 1 GiB, 1 to 16 passes, one lane: checked before the parameters of a file are used, so that a
 * changed file can neither ask for a weak derivation nor for all memory.
 */
export function withinBounds(cost: StretchCost): boolean {
  const memory = cost.memoryKiB >= 8_192 && cost.memoryKiB <= 1_048_576;
  return memory && cost.passes >= 1 && cost.passes <= 16 && cost.lanes === 1;
}

/** As a person knows it. */
export const KEY_NAME: Readonly<Record<KeySource, string>> = {
  passphrase: 'passphrase',
  'key-file': 'key file',
  keyring: 'key in the keyring',
};

/** @throws HaspError E_WRONG_KEY if this kind of key can't open the vault, whatever its bytes. */
export function requireSource(key: UnlockKey, expected: KeySource, what: 'vault' | 'backup' = 'vault'): void {
  if (key.source !== expected) {
    const hint =
      expected === 'key-file' ? 'name it with --key-file or HASP_KEY_FILE' : 'leave out --key-file and HASP_KEY_FILE';
    throw wrongKey(`this ${what} opens with a ${KEY_NAME[expected]}`, hint);
  }
  if (key.source === 'passphrase' || key.bytes.length === KEY_BYTES) return;
  throw wrongKey(`a ${KEY_NAME[key.source]} has exactly ${KEY_BYTES} bytes`, 'is it the one that hasp init made?');
}

/** For a key that is to open something from now on. @throws HaspError E_USAGE, E_WRONG_KEY */
export function requireUsable(key: UnlockKey): void {
  if (key.bytes.length === 0) throw new HaspError('E_USAGE', 'the passphrase is empty');
  requireSource(key, key.source);
}
