import { existsSync, rmSync, statSync } from 'node:fs';
import { removeUnstartedLog } from '@hasp/audit';
import { HaspError, type Home } from '@hasp/core';
import { destroyFile, takeMaking } from '@hasp/vault';

/**
 * One vault is made in a home at a time; where there is none, what a killed init or restore left goes first.
 * @returns what lets the next one begin; the end of the process does too
 * @throws HaspError E_STORAGE, E_EXISTS for a log that is evidence
 */
export function beginMaking(home: Home): () => void {
  const release = takeMaking(home);
  try {
    if (!existsSync(home.vault)) {
      clearCompanions(home);
      cleanUnfinished(home);
    }
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * SQLite would make what stands there a part of the new vault.
 * @throws HaspError E_EXISTS where it may be all that is left of a vault's last changes
 */
function clearCompanions({ vault }: Home): void {
  const files = ['-wal', '-journal', '-shm'].map((suffix) => vault + suffix);
  const held = files.slice(0, 2).find((file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  if (held !== undefined) {
    throw new HaspError(
      'E_EXISTS',
      `${held} holds the last changes of a vault that is not there any more`,
      'move it to where that vault.db is now, or delete it',
    );
  }
  for (const file of files) rmSync(file, { force: true });
}

/** Of one that failed, by who has the lock. @throws HaspError E_EXISTS for a log that is evidence */
export function cleanUnfinished(home: Home): void {
  removeUnstartedLog(home);
  destroyFile(home.newKey);
}
