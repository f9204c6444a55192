import { accessSync, constants } from 'node:fs';
import { readVaultHeader } from '@hasp/vault';
import type { Context } from './context.ts';
import type { GlobalInput } from './input.ts';
import { keyFilePath } from './unlock.ts';

/**
 * This user can read a key file of the vault, or ask the keyring for its key, and so can whatever this user starts: an
 * agent too. @throws HaspError E_VAULT_MISSING
 */
export function isKeyExposed(input: GlobalInput, context: Context): boolean {
  const { keySource, defaultKeyFile } = readVaultHeader(context.home);
  if (keySource !== 'key-file') return keySource === 'keyring';
  const places = [keyFilePath(input, context), defaultKeyFile ? context.home.key : undefined];
  return places.some((place) => place !== undefined && isReadable(place));
}

function isReadable(place: string): boolean {
  try {
    accessSync(place, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
