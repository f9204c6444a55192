import { closeSync, fstatSync } from 'node:fs';
import { HaspError, type Home } from '@hasp/core';
import { openIfThere, realDisk } from './disk.ts';
import { openSealFile } from './lock.ts';
import { readSeal, type Seal } from './seal.ts';

/** Log and seal at one moment at which nobody was appending. */
export interface Snapshot {
  /** audit.jsonl, open for reading; undefined if it is not there. */
  readonly log: number | undefined;
  /** Its size in bytes. */
  readonly size: number;
  readonly seal: Seal | 'missing' | 'damaged';
}

/** @throws what the file system throws; HaspError E_AUDIT_WRITE if a writer holds the lock for half a minute */
export function takeSnapshot(home: Home): Snapshot {
  const log = openIfThere(home.auditLog, 'r');
  const sizeNow = (): number => (log === undefined ? 0 : fstatSync(log).size);
  try {
    // Looked at before SQLite opens it: a damaged first page could make it create files.
    const seal = readAlone(home.auditSeal);
    if (typeof seal === 'string') return { log, size: sizeNow(), seal };
    seal.key.fill(0);
    return readLocked(home.auditSeal, log, sizeNow) ?? { log, seal: readAlone(home.auditSeal), size: sizeNow() };
  } catch (error) {
    if (log !== undefined) closeSync(log);
    throw error;
  }
}

/** Closes what a snapshot holds, and wipes the key of its seal. */
export function releaseSnapshot({ log, seal }: Snapshot): void {
  if (typeof seal !== 'string') seal.key.fill(0);
  if (log !== undefined) closeSync(log);
}

/** Undefined where the lock can't be taken for want of permission: then nobody like us can write either. */
function readLocked(path: string, log: number | undefined, sizeNow: () => number): Snapshot | undefined {
  let file: ReturnType<typeof openSealFile>;
  try {
    file = openSealFile(path);
  } catch (error) {
    if (error instanceof HaspError && error.code === 'E_AUDIT_WRITE') return undefined;
    throw error;
  }
  try {
    return file.locked(() => ({ log, size: sizeNow(), seal: readSeal(realDisk, file.fd) ?? ('damaged' as const) }));
  } finally {
    file.close();
  }
}

/** Without waiting for a writer. */
export function readAlone(path: string): Seal | 'missing' | 'damaged' {
  const fd = openIfThere(path, 'r');
  if (fd === undefined) return 'missing';
  try {
    return readSeal(realDisk, fd) ?? 'damaged';
  } finally {
    closeSync(fd);
  }
}
