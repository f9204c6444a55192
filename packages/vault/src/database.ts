import { existsSync, statSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import Sqlite from 'better-sqlite3';
import { corrupt } from './failures.ts';

/** `hasp` in ASCII, in bytes 68 to 71 of the file (https://www.sqlite.org/fileformat.html#application_id). */
export const APPLICATION_ID = 0x68617370;
const BUSY_TIMEOUT_MS = 20_000;
const ERASE_TIMEOUT_MS = 2_000;
const ERASE_PAUSE_MS = 20;
/** A longer write-ahead log is moved into the file: whoever opens the vault next reads all of it first. */
const MOST_LOG_BYTES = 256 * 1024;

export type Row = Readonly<Record<string, unknown>>;
type Parameter = string | number | Buffer;

/**
 * One connection to a vault file. Every failure of SQLite leaves as a HaspError: E_STORAGE where the disk,
 * the lock or the rights are the matter, E_VAULT_CORRUPT where the content is.
 */
export class Database {
  readonly #sqlite: Sqlite.Database;
  readonly #path: string;
  readonly #statements = new Map<string, Sqlite.Statement<Parameter[], Row>>();
  #depth = 0;

  /** @throws HaspError E_VAULT_MISSING, E_STORAGE, E_VAULT_CORRUPT */
  constructor(path: string) {
    this.#path = path;
    this.#sqlite = mapped(path, () => {
      const sqlite = new Sqlite(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
      try {
        // One exec, not four pragma calls: this is on the path of every run.
        sqlite.exec(
          'PRAGMA synchronous=FULL;PRAGMA secure_delete=ON;PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON',
        );
        return sqlite;
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  row(sql: string, ...parameters: Parameter[]): Row | undefined {
    return mapped(this.#path, () => this.#prepare(sql).get(...parameters));
  }

  rows(sql: string, ...parameters: Parameter[]): Row[] {
    return mapped(this.#path, () => this.#prepare(sql).all(...parameters));
  }

  /** Rows changed. */
  run(sql: string, ...parameters: Parameter[]): number {
    // After a full disk SQLite has undone the whole transaction: what follows must not be stored by itself.
    const undone = this.#depth > 0 && !this.#sqlite.inTransaction;
    if (undone)
      throw new HaspError('E_STORAGE', 'the change was undone after a failure of the disk', 'nothing was changed');
    return mapped(this.#path, () => this.#prepare(sql).run(...parameters).changes);
  }

  exec(sql: string): void {
    mapped(this.#path, () => this.#sqlite.exec(sql));
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  /** What `deed` reads is of one moment, whoever writes meanwhile. */
  read<T>(deed: () => T): T {
    return this.#depth > 0 ? deed() : this.#enclose('BEGIN', 'COMMIT', 'ROLLBACK', deed);
  }

  /** All that `deed` writes is stored, or none if it throws. Nests: an inner one that throws undoes only itself. */
  transaction<T>(deed: () => T): T {
    if (this.#depth === 0) return this.#enclose('BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK', deed);
    const name = `nested${this.#depth}`;
    return this.#enclose(`SAVEPOINT ${name}`, `RELEASE ${name}`, `ROLLBACK TO ${name};RELEASE ${name}`, deed);
  }

  /**
   * The same for what may be lost in a power cut, back to an earlier commit: it is not synced to disk
   * (https://www.sqlite.org/pragma.html#pragma_synchronous). Not within another transaction.
   */
  transactionUnsynced<T>(deed: () => T): T {
    this.exec('PRAGMA synchronous=NORMAL');
    try {
      return this.transaction(deed);
    } finally {
      this.exec('PRAGMA synchronous=FULL');
      this.#shortenLog();
    }
  }

  /**
   * SQLite does this itself when the last connection is closed; a process that ends without leaves the log as it is,
   * with what was moved already, since only the processes that have it open know of that.
   */
  #shortenLog(): void {
    const bytes = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes < MOST_LOG_BYTES) return;
    this.exec('PRAGMA busy_timeout=0');
    try {
      this.row('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // The next one does it.
    } finally {
      this.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    }
  }

  /** The same if nobody else writes now, and as far as the disk lets it: for what can be left out. */
  transactionIfFree(deed: () => void): void {
    this.exec('PRAGMA busy_timeout=0');
    try {
      this.transactionUnsynced(deed);
    } catch (error) {
      if (!(error instanceof HaspError && error.code === 'E_STORAGE')) throw error;
    } finally {
      this.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    }
  }

  #enclose<T>(begin: string, end: string, undo: string, deed: () => T): T {
    this.exec(begin);
    this.#depth++;
    try {
      const result = deed();
      if (result instanceof Promise) throw new Error('a transaction can not wait');
      this.exec(end);
      return result;
    } catch (error) {
      // Not there if SQLite has rolled back by itself, as after a full disk or an I/O error.
      if (this.#sqlite.inTransaction) this.exec(undo);
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /**
   * Moves everything into the file proper and empties the write-ahead log, where what was deleted still
   * stands. False if readers held it back for two seconds: the bytes stay until a later one succeeds.
   */
  erase(): boolean {
    const deadline = performance.now() + ERASE_TIMEOUT_MS;
    this.exec(`PRAGMA busy_timeout=${ERASE_TIMEOUT_MS}`);
    try {
      // SQLite waits for readers, but not for a checkpoint that another process is making.
      while (this.row('PRAGMA wal_checkpoint(TRUNCATE)')?.['busy'] !== 0) {
        if (performance.now() >= deadline) return false;
        pause(ERASE_PAUSE_MS);
      }
      return true;
    } finally {
      this.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
    }
  }

  /** From now on, and for every later connection: readers and one writer do not hold each other up. */
  keepWriteAheadLog(): void {
    const mode = this.row('PRAGMA journal_mode=WAL')?.['journal_mode'];
    if (mode !== 'wal') throw new HaspError('E_STORAGE', 'this file system can not hold a vault', 'use a local disk');
  }

  get isOpen(): boolean {
    return this.#sqlite.open;
  }

  close(): void {
    this.#statements.clear();
    mapped(this.#path, () => this.#sqlite.close());
  }

  #prepare(sql: string): Sqlite.Statement<Parameter[], Row> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#sqlite.prepare<Parameter[], Row>(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A column that holds bytes. @throws HaspError E_VAULT_CORRUPT */
export function bytesOf(row: Row | undefined, column: string, length?: number): Buffer {
  const value = row?.[column];
  if (Buffer.isBuffer(value) && (length === undefined || value.length === length)) return value;
  throw corrupt(`${column} is not what it should be`);
}

/** A column that holds a whole number from 0. @throws HaspError E_VAULT_CORRUPT */
export function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw corrupt(`${column} is not what it should be`);
}

const STORAGE = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY|LOCKED|PROTOCOL|PERM|NOMEM|NOLFS|AUTH|TOOBIG)/;

function mapped<T>(path: string, deed: () => T): T {
  try {
    return deed();
  } catch (error) {
    throw error instanceof Sqlite.SqliteError ? mapSqliteError(path, error) : mapOther(path, error);
  }
}

function mapSqliteError(path: string, error: InstanceType<typeof Sqlite.SqliteError>): Error {
  const code = error.code;
  if (code.startsWith('SQLITE_MISUSE')) return error;
  if (!STORAGE.test(code)) return corrupt(code);
  if (code.startsWith('SQLITE_CANTOPEN') && !existsSync(path)) return vaultMissing();
  if (code.startsWith('SQLITE_BUSY')) {
    return new HaspError('E_STORAGE', 'the vault is in use by another process', 'try again in a moment');
  }
  if (code.startsWith('SQLITE_FULL')) {
    return new HaspError('E_STORAGE', 'the disk is full', 'nothing was changed: make room and try again');
  }
  const hint =
    existsSync(path) && !statSync(path).isFile() ? `${path} is not a file` : `check the disk and the rights of ${path}`;
  return new HaspError('E_STORAGE', `the vault can not be read or written (${code})`, hint);
}

function mapOther(path: string, error: unknown): unknown {
  // better-sqlite3 looks for the folder itself and throws a TypeError where there is none.
  const folderMissing = error instanceof TypeError && error.message.includes('directory does not exist');
  return folderMissing && !existsSync(path) ? vaultMissing() : error;
}

function vaultMissing(): HaspError {
  return new HaspError('E_VAULT_MISSING', 'there is no vault yet', 'make one with: hasp init');
}
