import { closeSync, constants, openSync } from 'node:fs';
import { type AuditEvent, type AuditSink, BROKEN_LOG_HINT, type Clock, HaspError, type Home } from '@hasp/core';
import { type AppendOptions, appendRecords, hasMoved, requireHeld, type SealedHead } from './append.ts';
import { type Disk, realDisk } from './disk.ts';
import { asWriteError, isErrno } from './failures.ts';
import { openSealFile, type SealFile } from './lock.ts';
import { eraseOlder, readSeal, type Seal, type Sealer, sealDamaged } from './seal.ts';

export type { SealedHead } from './append.ts';

/**
 * The log, open for appending: needs no key of the vault. Files are opened with the first use, and
 * followed if they are replaced under way.
 */
export class AuditLog implements AuditSink {
  readonly #home: Home;
  readonly #clock: Clock;
  readonly #disk: Disk;
  #seal: SealFile | undefined;
  /** Where the last append ended: whoever puts the log back while we live does not get past it. */
  #last: SealedHead | undefined;

  private constructor(home: Home, clock: Clock, disk: Disk) {
    this.#home = home;
    this.#clock = clock;
    this.#disk = disk;
  }

  /** Opens nothing yet, so it can't fail. */
  static open(home: Home, clock: Clock, disk: Disk = realDisk): AuditLog {
    return new AuditLog(home, clock, disk);
  }

  /**
   * On return all events are on disk (fdatasync), in order, with no other record between them.
   * @param onDisk called before the seal is written, which may lag behind: who waits need not wait for that. If it
   * was called, the events are part of the log, even if this throws after it
   * @param sealer replaces the seal, if that is not to be done at once
   * @returns the end of the log with them
   * @throws HaspError E_AUDIT_WRITE: not recorded, or not surely; E_CHAIN_BROKEN: nothing was written
   */
  append(events: readonly AuditEvent[], onDisk?: () => void, sealer?: Sealer): SealedHead {
    if (events.length === 0) {
      const head = this.head();
      onDisk?.();
      return head;
    }
    return this.#appendLocked(events, { onDisk, sealer });
  }

  /**
   * Adopts what lies beyond the seal, which may lag behind the log, and fences what is no record there.
   * @returns the log's true end
   * @throws HaspError as `append`
   */
  settle(): SealedHead {
    return this.#appendLocked([]);
  }

  /**
   * Erases the seal before the newest, and with it the keys of what that one seals.
   * @param mac of the newest, known to be on the disk; with another one nothing is done
   * @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN
   */
  eraseOlderSeal(mac: string): void {
    this.#locked((seal) => eraseOlder(this.#disk, seal, mac));
  }

  #appendLocked(events: readonly AuditEvent[], how?: AppendOptions): SealedHead {
    return this.#locked((seal) => {
      const log = openLog(this.#home.auditLog);
      try {
        this.#last = appendRecords({ disk: this.#disk, log, seal }, events, this.#clock, { ...how, last: this.#last });
        return this.#last;
      } finally {
        closeSync(log);
      }
    });
  }

  /**
   * The sealed end: one small read, without waiting for a writer. What a killed writer left behind it
   * is not counted before the next append.
   * @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN
   */
  head(): SealedHead {
    try {
      this.#seal ??= openSealFile(this.#home.auditSeal);
      if (this.#seal.isCurrent()) {
        const seal = readSeal(this.#disk, this.#seal.fd);
        if (seal) return this.#goingOn(headOf(seal));
      }
    } catch (error) {
      throw asWriteError(error);
    }
    // Caught a writer between its two slots, or the file was replaced: ask in turn.
    return this.#locked((fd) => {
      const seal = readSeal(this.#disk, fd);
      if (!seal) throw sealDamaged();
      return this.#goingOn(headOf(seal));
    });
  }

  /** From where the last append ended. @throws HaspError E_CHAIN_BROKEN */
  #goingOn(head: SealedHead): SealedHead {
    if (!hasMoved(this.#last, head)) return head;
    const log = openLog(this.#home.auditLog);
    try {
      requireHeld(this.#disk, log, this.#last);
      return head;
    } finally {
      closeSync(log);
    }
  }

  close(): void {
    this.#seal?.close();
    this.#seal = undefined;
  }

  #locked<T>(deed: (sealFd: number) => T): T {
    try {
      for (;;) {
        this.#seal ??= openSealFile(this.#home.auditSeal);
        const seal = this.#seal;
        const result = seal.locked(() => (seal.isCurrent() ? { value: deed(seal.fd) } : undefined));
        if (result) return result.value;
        this.close();
      }
    } catch (error) {
      throw asWriteError(error);
    }
  }
}

function headOf(seal: Seal): SealedHead {
  seal.key.fill(0);
  return { chain: seal.chain, seq: seal.seq, mac: seal.mac, offset: seal.offset };
}

/** Never created here, never truncated: works on a file that may only be appended to (chattr +a). */
function openLog(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_APPEND);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new HaspError('E_CHAIN_BROKEN', 'the audit log is missing', BROKEN_LOG_HINT);
  }
}
