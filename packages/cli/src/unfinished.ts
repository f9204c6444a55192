import { existsSync } from 'node:fs';
import { removeUnstartedLog } from '@hasp/audit';
import type { Home } from '@hasp/core';
import { destroyFile, takeMaking } from '@hasp/vault';

/**
 * One vault is made in a home at a time; where there is none, what a killed init or restore left goes first.
 * @returns what lets the next one begin; the end of the process does too
 * @throws HaspError E_STORAGE, E_EXISTS for a log that is evidence
 */
export function beginMaking(home: Home): () => void {
  const release = takeMaking(home);
  try {
    if (!existsSync(home.vault)) cleanUnfinished(home);
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

/** Of one that failed, by who has the lock. @throws HaspError E_EXISTS for a log that is evidence */
export function cleanUnfinished(home: Home): void {
  removeUnstartedLog(home);
  destroyFile(home.newKey);
}
