import { closeSync, constants, openSync } from 'node:fs';
import type { Libc } from './libc.ts';
import { readStat } from './proc.ts';

/** The shell sends HUP to each of its jobs, and when it has ended the kernel does so once more. */
const HANG_UP_MS = 2_000;

/**
 * Tells the HUP of a terminal that goes away, which goes to a whole job, from one for this process.
 * Only as a job of a shell with job control, which is our parent in another group of the session: any
 * other parent may hand on a hang-up to this process alone.
 */
export class HangUps {
  #gone: number | undefined;
  #stopWatching: (() => void) | undefined;

  constructor(libc: Libc) {
    const self = readStat('self');
    const parent = self && self.terminal !== 0 ? readStat(self.parent) : undefined;
    if (self && parent?.session === self.session && parent.group !== self.group) this.#watch(libc);
  }

  /** Whether a HUP that this process has just got went to `child` too. */
  reached(child: number): boolean {
    if (!this.#stopWatching) return false;
    const self = readStat('self');
    if (self?.terminal !== 0 || readStat(child)?.group !== self.group) return false;
    this.#gone ??= performance.now();
    return performance.now() - this.#gone < HANG_UP_MS;
  }

  close(): void {
    this.#stopWatching?.();
  }

  #watch(libc: Libc): void {
    let terminal: number;
    try {
      terminal = openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    } catch {
      return;
    }
    let open = true;
    const handle = libc.poll(terminal, { disconnect: true }, () => {
      this.#gone ??= performance.now();
      this.close();
    });
    this.#stopWatching = () => {
      if (!open) return;
      open = false;
      handle.close();
      closeSync(terminal);
    };
  }
}
