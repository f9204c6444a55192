import { performance } from 'node:perf_hooks';
import { writeStatus } from './output.ts';

const QUIET_MS = 1_000;
const STEP_MS = 200;

/** A line on the terminal for work that takes over a second; gone when it is done. */
export function progressOn(what: string): { update(done: number, total: number): void; clear(): void } {
  const started = performance.now();
  let shown = 0;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - started < QUIET_MS || now - shown < STEP_MS) return;
      shown = now;
      writeStatus(`${what} ${total === 0 ? 100 : Math.floor((100 * done) / total)} %`);
    },
    clear() {
      if (shown > 0) writeStatus('');
    },
  };
}
