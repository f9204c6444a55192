import type { Home } from '@hasp/core';
import { readVaultHeader, settleKeyFiles } from '@hasp/vault';

export { settleKeyFiles };

/**
 * After the vault was not opened: false where that was not for the key file that hasp keeps in the home. A rekey that
 * was killed half way, or one that ended just now, may have left another there; then it is worth another try.
 * @param named the key file that was named, if one was
 */
export function settleAfter(home: Home, named: string | undefined): boolean {
  if (!readVaultHeader(home).defaultKeyFile || (named ?? home.key) !== home.key) return false;
  settleKeyFiles(home);
  return true;
}
