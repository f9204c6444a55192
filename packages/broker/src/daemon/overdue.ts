import type { ProcessIdentity } from '@hasp/core';
import { continueStopped, endProcesses } from '@hasp/process-tree';

/** A run or session with an end in time, which its wrapper has to mind. */
export interface Timed {
  readonly wrapper: ProcessIdentity;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Between TERM and KILL. */
  readonly graceMs: number;
}

/** Beyond the grace: then it is not the wrapper that ends it. */
const PATIENCE_MS = 3_000;

/**
 * A wrapper that somebody has stopped minds no time: it is continued, and ends its tree itself. One that does
 * not is ended, and what it leaves with it, as when it is lost.
 */
export async function mindOverdue(timed: readonly Timed[], now: number): Promise<void> {
  for (const { wrapper, expiresAt, graceMs } of timed) {
    if (now <= expiresAt) continue;
    if (now <= expiresAt + graceMs + PATIENCE_MS) continueStopped(wrapper);
    else await endProcesses([wrapper], 0);
  }
}
