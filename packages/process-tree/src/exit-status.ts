import { constants } from 'node:os';
import { loadLibc } from './libc.ts';

export type ExitStatus = { readonly code: number } | { readonly signal: string };

/** The signals by which a shell expects a wrapper to die itself, so that `while` loops stop. */
const DIES_ALIKE: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'];
const SIG_DFL = 0;

/** `SIGTERM` for 15; real-time and unknown signals as `SIG34`. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(constants.signals)) if (value === number) return name;
  return `SIG${number}`;
}

export function signalNumber(name: string): number {
  return constants.signals[name as NodeJS.Signals] ?? Number(name.slice(3));
}

/**
 * Ends this process as the child ended: the same code, or the same signal for INT, TERM, HUP and
 * PIPE, else 128 + n. Nothing of Node's runs afterwards: no exit handlers, no pending writes.
 */
export function exitLike(exit: ExitStatus): never {
  const libc = loadLibc();
  if ('signal' in exit) {
    const number = signalNumber(exit.signal);
    if (DIES_ALIKE.includes(exit.signal)) {
      process.removeAllListeners(exit.signal);
      libc?.signal(number, SIG_DFL);
      process.kill(process.pid, number);
    }
    return leave(128 + number);
  }
  return leave(exit.code);
}

/** `process.exit` waits for thread pool threads, of which one may be blocked in a write: _exit(2) does not. */
function leave(code: number): never {
  loadLibc()?.exit(code);
  return process.exit(code);
}
