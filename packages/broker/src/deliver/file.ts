import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { HaspError, type SecretValue } from '@hasp/core';

/** statfs(2) f_type of tmpfs on Linux: nothing written there reaches a disk but through swap. */
const TMPFS_MAGIC = 0x01021994;
const MEMORY_FOLDERS = ['/dev/shm'];
const OWN_FOLDER = /^hasp-[0-9a-f]{16}$/;

/** Where the run's own folder is to be: in memory where there is a tmpfs that we may use, else under `fallback`. */
export function chooseDeliveryFolder(run: string, fallback: string): string {
  return path.join(MEMORY_FOLDERS.find(isTmpfs) ?? fallback, `hasp-${run}`);
}

/** Makes it, 0700. Only when the run's state names it: a kill must not leave a folder that nobody knows. @throws HaspError E_STORAGE */
export function makeDeliveryFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    // The umask can take bits away from the modes given.
    chmodSync(folder, 0o700);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError('E_STORAGE', `${folder} could not be made (${code})`, 'free some space, or see hasp doctor');
  }
}

function isTmpfs(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return statfsSync(folder).type === TMPFS_MAGIC;
  } catch {
    return false;
  }
}

/** Writes one value, 0600, to a name that was not there. @throws HaspError E_STORAGE */
export function deliverFile(folder: string, variable: string, value: SecretValue): string {
  const file = path.join(folder, variable);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(
      file,
      constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
      0o600,
    );
    fchmodSync(descriptor, 0o600);
    const bytes = value.reveal();
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    return file;
  } catch {
    throw new HaspError('E_STORAGE', `the file for ${variable} could not be written`, `free some space in ${folder}`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Overwrites, truncates and unlinks the files, then removes the folder. A reader that still holds a
 * descriptor reads nothing more. Returns whether all is gone.
 */
export function removeDeliveredFiles(folder: string, files: readonly string[]): boolean {
  for (const file of files) removeFile(file);
  // Whatever the child put beside them or in their place goes too; only a folder of our own making.
  if (!OWN_FOLDER.test(path.basename(folder))) return false;
  try {
    rmSync(folder, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

function removeFile(file: string): void {
  try {
    erase(file);
  } catch {
    // Gone, or no plain file any more; it is unlinked with its folder.
  }
}

function erase(file: string): void {
  // Not followed: the child may have put a link to another file in its place. Not blocking: or a FIFO.
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const descriptor = openSync(file, flags);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) return;
    const zeros = Buffer.alloc(Math.min(status.size, 1 << 16));
    for (let done = 0; done < status.size; )
      done += writeSync(descriptor, zeros, 0, Math.min(zeros.length, status.size - done), done);
    fsyncSync(descriptor);
    ftruncateSync(descriptor, 0);
  } finally {
    closeSync(descriptor);
  }
}
