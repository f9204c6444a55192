/**
 * One writer at a time, among processes: SQLite's BEGIN IMMEDIATE on the first page of audit.seal.
 * Nothing is ever written through SQLite. The kernel releases the lock with a killed process.
 *
 * POSIX record locks have a trap (fcntl(2)): closing any descriptor of a file drops all locks that
 * the process has on it. So the descriptor for the slots is opened before the database, and closed
 * after it, and neither is opened or closed while the lock is held.
 */
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { BROKEN_LOG_HINT, HaspError } from '@hasp/core';
import Database from 'better-sqlite3';
import { asWriteError, isErrno } from './failures.ts';
import { sealDamaged } from './seal.ts';

/** Longer than any writer holds the lock, even with a slow disk; SQLite sleeps up to 100 ms between tries. */
const BUSY_TIMEOUT_MS = 30_000;

export interface SealFile {
  readonly fd: number;
  /** Runs `deed` with the lock held. @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN, and what `deed` throws */
  locked<T>(deed: () => T): T;
  /** The path still names this very file. */
  isCurrent(): boolean;
  close(): void;
}

/**
 * @param patience milliseconds to wait for another writer
 * @throws HaspError E_CHAIN_BROKEN if there is no seal, E_AUDIT_WRITE if it can't be opened for writing
 */
export function openSealFile(path: string, patience = BUSY_TIMEOUT_MS): SealFile {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw sealMissing();
    throw asWriteError(error);
  }
  let database: Database.Database;
  try {
    database = new Database(path, { fileMustExist: true, timeout: patience });
  } catch (error) {
    closeSync(fd);
    throw asLockError(error);
  }
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const begin = lazily(() => database.prepare('BEGIN IMMEDIATE'));
  const end = lazily(() => database.prepare('ROLLBACK'));
  return {
    fd,
    locked(deed) {
      try {
        begin().run();
      } catch (error) {
        throw asLockError(error);
      }
      try {
        return deed();
      } finally {
        end().run();
      }
    },
    isCurrent() {
      const now = statSync(path, { bigint: true, throwIfNoEntry: false });
      return now !== undefined && now.ino === ino && now.dev === dev;
    },
    close() {
      database.close();
      closeSync(fd);
    },
  };
}

function sealMissing(): HaspError {
  return new HaspError('E_CHAIN_BROKEN', 'the seal of the audit log is missing', BROKEN_LOG_HINT);
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function asLockError(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code.startsWith('SQLITE_BUSY')) {
    return new HaspError(
      'E_AUDIT_WRITE',
      'another process holds the audit log',
      'try again; if it stays so, end that process',
    );
  }
  if (error.code.startsWith('SQLITE_NOTADB') || error.code.startsWith('SQLITE_CORRUPT')) return sealDamaged();
  return asWriteError(error);
}
