import { closeSync, existsSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { HaspError, type Home } from '@hasp/core';
import { realDisk } from './disk.ts';
import { asReadError, asWriteError } from './failures.ts';
import { MAX_RECORD } from './record.ts';
import { readSeal } from './seal.ts';

/**
 * Takes away the log of a vault that was never finished: one record at the most, which nobody was told of. For a home
 * without a vault, in which nobody else is making one.
 * @throws HaspError E_EXISTS for any longer log: that is evidence, and stays as it is
 */
export function removeUnstartedLog(home: Home): void {
  const files = [home.auditLog, home.auditSeal].filter((file) => existsSync(file));
  try {
    if (!isAtMostOneRecord(home.auditLog) || !isSealOfFirst(home.auditSeal)) throw evidence(home);
  } catch (error) {
    throw asReadError(error);
  }
  try {
    for (const file of files) unlinkSync(file);
  } catch (error) {
    throw asWriteError(error);
  }
}

function isAtMostOneRecord(file: string): boolean {
  return opened(file, (descriptor) => {
    const { size } = fstatSync(descriptor);
    if (size > MAX_RECORD) return false;
    const text = Buffer.alloc(size);
    readSync(descriptor, text, 0, size, 0);
    const end = text.indexOf('\n');
    return end < 0 || end === size - 1;
  });
}

function isSealOfFirst(file: string): boolean {
  return opened(file, (descriptor) => {
    const seal = readSeal(realDisk, descriptor);
    seal?.key.fill(0);
    return seal === undefined || seal.seq === 1;
  });
}

/** True for a file that is not there. */
function opened(file: string, look: (descriptor: number) => boolean): boolean {
  if (!existsSync(file)) return true;
  const descriptor = openSync(file, 'r');
  try {
    return look(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function evidence(home: Home): HaspError {
  return new HaspError(
    'E_EXISTS',
    `there is the audit log of another vault in ${home.root}`,
    'it is evidence: keep it elsewhere, or choose another place: export HASP_HOME=/a/folder/of/yours',
  );
}
