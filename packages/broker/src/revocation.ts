import { closeSync, existsSync, type FSWatcher, openSync, utimesSync, watch } from 'node:fs';
import path from 'node:path';
import type { Home, ProcessIdentity } from '@hasp/core';
import { continueStopped, isAlive } from '@hasp/process-tree';
import { discard, type RunState, runFile } from './run-file.ts';

/** Why a run or a session is asked to end before its command does. */
export type RevocationReason = (typeof REASONS)[number];
const REASONS = ['revoked', 'rotated', 'session-ended', 'agent-revoked'] as const;

const WATCH_AFTER_MS = 30;
/** Where the kernel has no watch left to give, the wrapper looks for itself: one wake-up each time. */
const LOOK_MS = 1_000;
/** How often who asked looks whether it is done. */
const STEP_MS = 5;
/** Beyond the grace: what a tree that takes no KILL may hold up. */
const PATIENCE_MS = 12_000;

/** An empty file beside the run's state; its name says all. */
function requestFile(home: Home, id: string, reason: RevocationReason): string {
  return path.join(home.runs, `${id}.${reason}`);
}

/**
 * For the wrapper: calls once when its run is asked to end. Begin it after the run's state was
 * written; a request that came before is seen at the beginning. The state's own file is watched, and
 * not its folder: what other runs write there wakes nobody. The watch begins a moment later, so that a
 * short run does not pay the 2 ms that it costs.
 * @param file its state
 */
export function onRevocation(
  home: Home,
  id: string,
  revoked: (reason: RevocationReason) => void,
  file: string = runFile(home, id),
): { close(): void } {
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
    const reason = requestedEnd(home, id);
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
      watcher = watch(file, { persistent: false }, (event) => {
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

const REQUEST = new RegExp(`^([0-9a-f]{16})\\.(${REASONS.join('|')})$`);

/** The request that a file of the folder is, by its name. */
export interface RequestedEnd {
  /** Of a run or a session. */
  readonly id: string;
  readonly reason: RevocationReason;
}

/** Undefined for another file. */
export function requestIn(name: string): RequestedEnd | undefined {
  const [, id, reason] = REQUEST.exec(name) ?? [];
  return id === undefined ? undefined : { id, reason: reason as RevocationReason };
}

/** Why the run or session was asked to end, if it was. */
export function requestedEnd(home: Home, id: string): RevocationReason | undefined {
  return REASONS.find((reason) => existsSync(requestFile(home, id, reason)));
}

/** It is over: nobody will read its request any more. */
export function dropRevocation(home: Home, id: string): void {
  for (const reason of REASONS) discard(requestFile(home, id, reason));
}

/** What is asked to end: a run, or a session. */
export interface Ending {
  readonly id: string;
  /** Its state: gone when it has ended. */
  readonly file: string;
  readonly wrapper: ProcessIdentity;
  readonly graceMs: number;
  readonly reason: RevocationReason;
}

/** Asks, and does not wait. */
export function requestEnd(home: Home, { id, file, reason }: Pick<Ending, 'id' | 'file' | 'reason'>): void {
  closeSync(openSync(requestFile(home, id, reason), 'a', 0o600));
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // It is over, or its state is just being replaced, after which the wrapper looks anyway.
  }
}

/** As `endAndWait`, for runs. */
export async function revokeRuns(
  home: Home,
  runs: readonly RunState[],
  reason: RevocationReason,
  endLost: () => Promise<void>,
): Promise<RunState[]> {
  const endings = runs.map((run) => ({ ...run, id: run.run, file: runFile(home, run.run), reason }));
  return endAndWait(home, endings, endLost);
}

/**
 * For everyone else: asks the wrappers of these to end them, in this order, and waits until each end is on
 * record. A stopped wrapper (Ctrl-Z, SIGSTOP) is continued, since it could not end anything.
 * @param endLost ends those whose wrapper was killed meanwhile
 * @returns those that are not over: their wrapper is stuck, or of another host
 */
export async function endAndWait<T extends Ending>(
  home: Home,
  endings: readonly T[],
  endLost: () => Promise<void>,
): Promise<T[]> {
  for (const ending of endings) requestEnd(home, ending);
  const started = performance.now();
  const isOpen = ({ file }: Ending): boolean => existsSync(file);
  const isInTime = ({ graceMs }: Ending): boolean => performance.now() - started < PATIENCE_MS + graceMs;
  let open = endings.filter(isOpen);
  while (open.some(isInTime)) {
    if (open.some(({ wrapper }) => isAlive(wrapper) === false)) await endLost();
    else for (const { wrapper } of open) continueStopped(wrapper);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    open = open.filter(isOpen);
  }
  // One that was over before it could read its request leaves it to us.
  for (const { id } of endings) if (!open.some((one) => one.id === id)) dropRevocation(home, id);
  return open;
}
