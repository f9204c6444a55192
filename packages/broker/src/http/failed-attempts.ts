import type { AuditSink } from '@hasp/core';

export interface FailedAttemptsParts {
  readonly log: AuditSink;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
}

/** The first is recorded at once, those behind it together. */
const RECORD_EVERY_MS = 10_000;
/** So many are answered at once, and then so many a second: a flood waits, and who is honest does not. */
const BURST = 64;
const PER_MS = 0.1;
/** Held back at the same time; more are told to come again. */
const MOST_HELD = 512;
const LONGEST_MS = 5_000;

/** Requests without a token that holds: slowed down where they are many, and recorded together. */
export class FailedAttempts {
  readonly #parts: FailedAttemptsParts;
  #unrecorded = 0;
  #timer: NodeJS.Timeout | undefined;
  #debt = 0;
  #at = 0;
  #held = 0;
  total = 0;

  constructor(parts: FailedAttemptsParts) {
    this.#parts = parts;
  }

  /** Resolves when it may be answered; `false`: at once, and with 429. */
  async note(): Promise<boolean> {
    this.total += 1;
    this.#unrecorded += 1;
    if (this.#timer === undefined) {
      this.#record();
      this.#timer = setInterval(() => this.#recordOrRest(), RECORD_EVERY_MS).unref();
    }
    const now = this.#parts.monotonic();
    this.#debt = Math.max(0, this.#debt - (now - this.#at) * PER_MS);
    this.#at = now;
    if (this.#held >= MOST_HELD) return false;
    this.#debt += 1;
    const waitMs = Math.min(LONGEST_MS, (this.#debt - BURST) / PER_MS);
    if (waitMs <= 0) return true;
    this.#held += 1;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#held -= 1;
    return true;
  }

  /** Whether the present ones are a flood. */
  get isFlood(): boolean {
    return this.#debt > BURST;
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#unrecorded > 0) this.#record();
  }

  #recordOrRest(): void {
    if (this.#unrecorded > 0) {
      this.#record();
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #record(): void {
    try {
      this.#parts.log.append([{ type: 'auth.failed', keySource: 'token', count: this.#unrecorded }]);
      this.#unrecorded = 0;
    } catch {
      // They are counted on, and recorded when the log can be written.
    }
  }
}
