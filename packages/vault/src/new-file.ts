import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename } from 'node:path';
import { HaspError, type Home, type Random } from '@hasp/core';

const COMPANIONS = ['', '-journal', '-wal', '-shm'] as const;

/** An empty file, 0600 under any umask, beside the vault; its name tells whose attempt it is. */
export function makeTemporary(home: Home, random: Random): string {
  const path = `${home.vault}.new-${process.pid}-${Buffer.from(random(8)).toString('hex')}`;
  mapped(home, () => {
    const file = openSync(path, 'wx', 0o600);
    try {
      fchmodSync(file, 0o600);
    } finally {
      closeSync(file);
    }
  });
  return path;
}

/** Gives the finished file its name, durably. @throws HaspError E_EXISTS if there is a vault by now, E_STORAGE */
export function publish(temporary: string, home: Home): void {
  mapped(home, () => {
    sync(temporary);
    giveName(temporary, home.vault);
    sync(home.root);
  });
}

function giveName(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw vaultExists();
    // Some file systems have no hard links; rename would replace, so look first.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    if (existsSync(path)) throw vaultExists();
    renameSync(temporary, path);
  }
}

function sync(path: string): void {
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

/** What attempts left behind whose process is gone. @throws HaspError E_STORAGE */
export function removeLeftovers(home: Home): void {
  const name = new RegExp(`^${basename(home.vault)}\\.new-([0-9]+)-[0-9a-f]{16}(-journal|-wal|-shm)?$`);
  mapped(home, () => {
    for (const file of readdirSync(home.root)) {
      const owner = name.exec(file)?.[1];
      if (owner !== undefined && !isAlive(Number(owner))) rmSync(`${home.root}/${file}`, { force: true });
    }
  });
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

function mapped(home: Home, deed: () => void): void {
  try {
    deed();
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
