import { wrongKey } from './failures.ts';
import { KEY_BYTES } from './keys.ts';

export type KeySource = 'passphrase' | 'key-file';

/** What opens a vault: a passphrase as UTF-8, or the 32 bytes of a key file. The caller wipes `bytes` after. */
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

/** @throws HaspError E_WRONG_KEY if this kind of key can't open the vault, whatever its bytes. */
export function requireSource(key: UnlockKey, expected: KeySource): void {
  if (key.source !== expected) {
    throw wrongKey(
      expected === 'passphrase' ? 'this vault opens with a passphrase' : 'this vault opens with a key file',
      expected === 'passphrase' ? 'leave out --key-file and HASP_KEY_FILE' : 'name it with --key-file or HASP_KEY_FILE',
    );
  }
  if (key.source === 'key-file' && key.bytes.length !== KEY_BYTES) {
    throw wrongKey(`a key file holds exactly ${KEY_BYTES} bytes`, 'is it the file that hasp init made?');
  }
}
