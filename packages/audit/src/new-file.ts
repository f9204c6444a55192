import { closeSync, fchmodSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { realDisk, writeFully } from './disk.ts';

/** A file that is not there yet, 0600 under any umask, synced; gone again if that fails. */
export function createFile(path: string, bytes: Buffer): void {
  const fd = openSync(path, 'wx', 0o600);
  let written = false;
  try {
    // The umask can take bits away from the mode given to open.
    fchmodSync(fd, 0o600);
    writeFully(realDisk, fd, bytes, 0);
    fsyncSync(fd);
    written = true;
  } finally {
    closeSync(fd);
    if (!written) rmSync(path, { force: true });
  }
}

/** The same beside the file that it is to replace, and in the place of what a killed attempt left there. @returns its path */
export function createAside(path: string, bytes: Buffer): string {
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  createFile(aside, bytes);
  return aside;
}

/** Of a folder: its names. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
