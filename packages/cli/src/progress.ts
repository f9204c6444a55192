import { performance } from 'node:perf_hooks';
import { writeStatus } from './output.ts';

const QUIET_MS = 1_000;
const STEP_MS = 200;

export interface Progress {
  update(done: number, total: number): void;
  /** Where nobody knows how much there will be. */
  count(done: number, things: string): void;
  clear(): void;
}

/** A line on the terminal for work that takes over a second; gone when it is done. */
export function progressOn(what: string): Progress {
  const started = performance.now();
  let shown = 0;
  function isTime(): boolean {
    const now = performance.now();
    if (now - started < QUIET_MS || now - shown < STEP_MS) return false;
    shown = now;
    return true;
  }
  return {
    update(done, total) {
      if (isTime()) writeStatus(`${what} ${total === 0 ? 100 : Math.floor((100 * done) / total)} %`);
    },
    count(done, things) {
      if (isTime()) writeStatus(`${what} ${done} ${things}`);
    },
    clear() {
      if (shown > 0) writeStatus('');
    },
  };
}
