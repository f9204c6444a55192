import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { HaspError, type Home, type Random } from '@hasp/core';

const COMPANIONS = ['', '-journal', '-wal', '-shm'] as const;
/** Behind the name of what it was to become: whose attempt it was. */
const LEFTOVER = /^([0-9]+)-[0-9a-f]{16}(?:-journal|-wal|-shm)?$/;

/** An empty file beside the vault. @throws HaspError E_STORAGE */
export function makeTemporary(home: Home, random: Random): string {
  return mapped(home, () => makeTemporaryFile(home.vault, random));
}

/** An empty file, 0600 under any umask, beside the one that it is to become; its name tells whose attempt it is. */
export function makeTemporaryFile(target: string, random: Random): string {
  const path = `${target}.new-${process.pid}-${Buffer.from(random(8)).toString('hex')}`;
  const file = openSync(path, 'wx', 0o600);
  try {
    fchmodSync(file, 0o600);
  } finally {
    closeSync(file);
  }
  return path;
}

/**
 * Gives the finished file its name, durably. By a rename, so that no kill leaves a second name; since that would replace
 * a vault, only who has `takeMaking` may make one. @throws HaspError E_EXISTS if there is a vault by now, E_STORAGE
 */
export function publish(temporary: string, home: Home): void {
  mapped(home, () => {
    syncPath(temporary);
    if (existsSync(home.vault)) throw vaultExists();
    renameSync(temporary, home.vault);
    syncPath(home.root);
  });
}

/** A file, or a folder: that what was renamed in it stays so. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function removeTemporary(temporary: string): void {
  for (const suffix of COMPANIONS) rmSync(temporary + suffix, { force: true });
}

/** What attempts at a vault left behind whose process is gone. @throws HaspError E_STORAGE */
export function removeLeftovers(home: Home): void {
  mapped(home, () => removeLeftoversOf(home.vault));
}

export function removeLeftoversOf(target: string): void {
  const folder = dirname(target);
  const prefix = `${basename(target)}.new-`;
  for (const file of readdirSync(folder)) {
    if (!file.startsWith(prefix)) continue;
    const owner = LEFTOVER.exec(file.slice(prefix.length))?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) rmSync(`${folder}/${file}`, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export function vaultExists(): HaspError {
  return new HaspError('E_EXISTS', 'there is already a vault', 'use it, or choose another HASP_HOME');
}

function mapped<T>(home: Home, deed: () => T): T {
  try {
    return deed();
  } catch (error) {
    if (error instanceof HaspError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new HaspError(
      'E_STORAGE',
      `the vault can not be made (${code})`,
      `check the disk and the rights of ${home.root}`,
    );
  }
}
