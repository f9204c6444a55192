import type { AuditEvent, AuditSink } from '@hasp/core';

/** What is answered once its records are on disk. None of these may throw. */
export interface Commit {
  readonly events: readonly AuditEvent[];
  /** Asked right before the append; false: nothing of it is recorded, and `failed` is called. */
  readonly holds?: () => boolean;
  /** Called while the log is still held: what is answered in here is sent before the seal is synced. */
  readonly done: () => void;
  /** Without an error: it did not hold any more. */
  readonly failed: (error?: unknown) => void;
}

/** How many records one append has: a page of memory, and a lock that nobody waits for long. */
const MOST_EVENTS = 512;

/**
 * Appends what comes in one turn of the event loop in one locked, synced write, and then answers. So the sync,
 * which takes as long for one record as for fifty, is paid once.
 */
export class GroupCommit {
  readonly #log: AuditSink;
  #waiting: Commit[] = [];

  constructor(log: AuditSink) {
    this.#log = log;
  }

  add(commit: Commit): void {
    this.#waiting.push(commit);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  /** Resolves when they are on disk. @throws HaspError as `append` */
  append(events: readonly AuditEvent[]): Promise<void> {
    return new Promise((resolve, reject) => this.add({ events, done: resolve, failed: reject }));
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; ) {
      let to = from;
      for (let events = 0; to < waiting.length && events < MOST_EVENTS; to += 1)
        events += (waiting[to] as Commit).events.length;
      this.#commit(waiting.slice(from, to));
      from = to;
    }
  }

  #commit(commits: readonly Commit[]): void {
    const held = commits.filter((commit) => commit.holds?.() !== false);
    for (const commit of commits) if (!held.includes(commit)) commit.failed();
    if (held.length === 0) return;
    let isOnDisk = false;
    try {
      this.#log.append(
        held.flatMap(({ events }) => events),
        () => {
          isOnDisk = true;
          for (const { done } of held) done();
        },
      );
    } catch (error) {
      // What failed after that is made good by the next append.
      if (!isOnDisk) for (const { failed } of held) failed(error);
    }
  }
}
