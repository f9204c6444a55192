import { fdatasync } from 'node:fs';
import type { AuditEvent, AuditSink } from '@hasp/core';
import type { AuditLog, SealedHead } from './log.ts';
import { type Sealer, writeBeside } from './seal.ts';

/** A seal that nothing follows for so long is finished: the one before it is erased. */
const QUIET_MS = 5;

/**
 * The log of who appends again and again: on return the records are on disk, and the new seal is written, but it is synced
 * beside what the caller does next. The next append writes it over the one before, so that keys are gone as soon as
 * the log has gone on, or after QUIET_MS.
 */
export class SealingBeside implements AuditSink {
  readonly #log: AuditLog;
  /** The MAC of the last seal, until the one before it is erased. */
  #unfinished: string | undefined;
  /** The MAC of the last seal that is known to be on the disk. */
  #synced: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  /** As `AuditLog` has it. */
  append(events: readonly AuditEvent[], onDisk?: () => void): SealedHead {
    clearTimeout(this.#timer);
    return this.#log.append(events, onDisk, this.#seal);
  }

  /** As `AuditLog` has it. */
  head(): SealedHead {
    return this.#log.head();
  }

  /** Erases the seal before the last one. What can't be done now the next append does. */
  finish(): void {
    clearTimeout(this.#timer);
    const last = this.#unfinished;
    if (last === undefined) return;
    try {
      if (last === this.#synced) this.#log.eraseOlderSeal(last);
      else this.#log.settle();
      this.#unfinished = undefined;
    } catch {
      // The records stand, and so does the seal.
    }
  }

  readonly #seal: Sealer = (disk, fd, old, seal) => {
    if (old.hasOlder && old.mac !== this.#synced) disk.datasync(fd);
    writeBeside(disk, fd, old, seal);
    const { mac } = seal;
    this.#unfinished = mac;
    fdatasync(fd, (error) => {
      // Where it failed, the next append does it, and says why it can't.
      if (error === null) this.#synced = mac;
      if (this.#unfinished !== mac) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.finish(), QUIET_MS);
    });
  };
}
