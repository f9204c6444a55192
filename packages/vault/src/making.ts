import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { HaspError, type Home } from '@hasp/core';
import Sqlite from 'better-sqlite3';

/** Longer than it takes to make a vault of some hundred megabytes. */
const BUSY_TIMEOUT_MS = 20_000;

/**
 * Of several that make a vault in one home, log and all, one at a time. The kernel frees it with a killed process.
 * @returns what gives it back
 * @throws HaspError E_STORAGE
 */
export function takeMaking(home: Home): () => void {
  const path = `${home.vault}.making`;
  for (;;) {
    const descriptor = opened(home, path);
    let sqlite: Sqlite.Database | undefined;
    try {
      sqlite = new Sqlite(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
      // Nothing is ever written: so that no journal is, either.
      sqlite.exec('PRAGMA journal_mode=MEMORY;BEGIN EXCLUSIVE');
      if (isCurrent(path, descriptor)) return releasing(path, sqlite, descriptor);
    } catch (error) {
      if (!(error instanceof Sqlite.SqliteError)) throw error;
      if (error.code.startsWith('SQLITE_BUSY')) throw inUse(home);
      // SQLite sees, too, that the one before has taken the file away.
      if (isCurrent(path, descriptor)) throw notMade(home, error.code);
    }
    // The lock first: closing any descriptor of a file drops all locks that a process has on it.
    sqlite?.close();
    closeSync(descriptor);
  }
}

function releasing(path: string, sqlite: Sqlite.Database, descriptor: number): () => void {
  return () => {
    // Before it is unlocked: who waits for it sees that it is another's by then.
    rmSync(path, { force: true });
    sqlite.exec('ROLLBACK');
    sqlite.close();
    closeSync(descriptor);
  };
}

function opened(home: Home, path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw notMade(home, (error as NodeJS.ErrnoException).code);
  }
}

function notMade({ root }: Home, code: string | undefined): HaspError {
  return new HaspError('E_STORAGE', `the vault can not be made (${code})`, `check the disk and the rights of ${root}`);
}

function isCurrent(path: string, descriptor: number): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false });
  const held = fstatSync(descriptor, { bigint: true });
  return now !== undefined && now.ino === held.ino && now.dev === held.dev;
}

function inUse({ root }: Home): HaspError {
  return new HaspError('E_STORAGE', `another hasp is making a vault in ${root}`, 'try again when it is done');
}
