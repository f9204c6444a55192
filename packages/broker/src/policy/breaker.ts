const FAILURES_TO_OPEN = 3;
const OPEN_MS = 10_000;

/**
 * After three failures in a row nothing is tried for ten seconds, and then one trial at a time until one
 * succeeds: so a dead server does not make everybody wait for its time-out.
 */
export class Breaker {
  readonly #monotonic: () => number;
  #failures = 0;
  #openUntil = 0;
  #trying = false;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Whether to try now; who is told yes reports with `succeeded` or `failed`. */
  admits(): boolean {
    if (this.#failures < FAILURES_TO_OPEN) return true;
    if (this.#trying || this.#monotonic() < this.#openUntil) return false;
    this.#trying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#trying = false;
  }

  failed(): void {
    this.#failures += 1;
    this.#trying = false;
    this.#openUntil = this.#monotonic() + OPEN_MS;
  }
}
