import { closeSync, existsSync, type FSWatcher, openSync, utimesSync, watch } from 'node:fs';
import path from 'node:path';
import type { Home } from '@hasp/core';
import { continueStopped, isAlive } from '@hasp/process-tree';
import { discard, type RunState, runFile } from './run-file.ts';

/** Why a run is asked to end before its command does. */
export type RevocationReason = 'revoked' | 'rotated';

const WATCH_AFTER_MS = 30;
/** Where the kernel has no watch left to give, the wrapper looks for itself: one wake-up each time. */
const LOOK_MS = 1_000;
/** How often who asked looks whether it is done. */
const STEP_MS = 5;
/** Beyond the grace: what a tree that takes no KILL may hold up. */
const PATIENCE_MS = 12_000;

/** An empty file beside the run's state; its name says all. */
function requestFile(home: Home, run: string, reason: RevocationReason): string {
  return path.join(home.runs, `${run}.${reason}`);
}

/**
 * For the wrapper: calls once when its run is asked to end. Begin it after the run's state was
 * written; a request that came before is seen at the beginning. The state's own file is watched, and
 * not its folder: what other runs write there wakes nobody. The watch begins a moment later, so that a
 * short run does not pay the 2 ms that it costs.
 */
export function onRevocation(home: Home, run: string, revoked: (reason: RevocationReason) => void): { close(): void } {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const close = (): void => {
    closed = true;
    clearTimeout(beginning);
    watcher?.close();
    clearInterval(timer);
  };
  const look = (): void => {
    const reason = requested(home, run);
    if (closed || reason === undefined) return;
    close();
    revoked(reason);
  };
  const lookNowAndThen = (): void => {
    watcher?.close();
    timer ??= setInterval(look, LOOK_MS).unref();
  };
  const begin = (): void => {
    try {
      watcher = watch(runFile(home, run), { persistent: false }, (event) => {
        // Our own next state took the file's place: the watch was on the one before.
        if (event === 'rename' && !closed) {
          watcher?.close();
          begin();
        } else look();
      });
      watcher.on('error', lookNowAndThen);
    } catch {
      lookNowAndThen();
    }
    look();
  };
  const beginning = setTimeout(begin, WATCH_AFTER_MS).unref();
  return { close };
}

function requested(home: Home, run: string): RevocationReason | undefined {
  return (['revoked', 'rotated'] as const).find((reason) => existsSync(requestFile(home, run, reason)));
}

/** The run is over: nobody will read its request any more. */
export function dropRevocation(home: Home, run: string): void {
  discard(requestFile(home, run, 'revoked'));
  discard(requestFile(home, run, 'rotated'));
}

function request(home: Home, run: string, reason: RevocationReason): void {
  closeSync(openSync(requestFile(home, run, reason), 'a', 0o600));
  try {
    const now = new Date();
    utimesSync(runFile(home, run), now, now);
  } catch {
    // The run is over, or its state is just being replaced, after which the wrapper looks anyway.
  }
}

/**
 * For everyone else: asks the wrappers of these runs to end them, and waits until each end is on
 * record. A stopped wrapper (Ctrl-Z, SIGSTOP) is continued, since it could not end anything.
 * @param endLost ends the runs whose wrapper was killed meanwhile
 * @returns the runs that are not over: their wrapper is stuck, or of another host
 */
export async function revokeRuns(
  home: Home,
  runs: readonly RunState[],
  reason: RevocationReason,
  endLost: () => Promise<void>,
): Promise<RunState[]> {
  for (const { run } of runs) request(home, run, reason);
  const started = performance.now();
  const isOpen = ({ run }: RunState): boolean => existsSync(runFile(home, run));
  const isInTime = ({ graceMs }: RunState): boolean => performance.now() - started < PATIENCE_MS + graceMs;
  let open = runs.filter(isOpen);
  while (open.some(isInTime)) {
    if (open.some(({ wrapper }) => isAlive(wrapper) === false)) await endLost();
    else for (const { wrapper } of open) continueStopped(wrapper);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    open = open.filter(isOpen);
  }
  // A run that was over before it could read its request leaves it to us.
  for (const { run } of runs) if (!open.some((one) => one.run === run)) dropRevocation(home, run);
  return open;
}
