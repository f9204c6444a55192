import { closeSync, fchmodSync, fsyncSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

/** A file that is not there yet, on disk before this returns; for its name see `syncFolderOf`. @throws what the file system throws */
export function createSynced(file: string, content: Uint8Array, mode: number): void {
  const descriptor = openSync(file, 'wx', mode);
  try {
    // The umask can take bits away from the mode given to open.
    fchmodSync(descriptor, mode);
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** That a name in it is there, or is another's now, is on disk before this returns. */
export function syncFolderOf(file: string): void {
  const descriptor = openSync(path.dirname(file), 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
