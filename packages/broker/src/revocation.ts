import { existsSync, type FSWatcher, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Home } from '@hasp/core';
import { isAlive } from '@hasp/process-tree';
import { discard, type RunState, runFile } from './run-file.ts';

/** Why a run is asked to end before its command does. */
export type RevocationReason = 'revoked' | 'rotated';

const WATCH_AFTER_MS = 30;
/** Between two looks, where nothing can be watched. */
const LOOK_MS = 500;
/** Between two looks for the recorded end of a run that was asked to end. */
const POLL_MS = 5;
/** Beyond the grace: what a tree that takes no KILL may hold up. */
const PATIENCE_MS = 12_000;

function requestFile(home: Home, run: string): string {
  return path.join(home.runs, `${run}.revoke`);
}

/**
 * For the wrapper: calls once when its run is asked to end, also if that was before. The watch begins
 * a moment later, so that a short run does not pay the 2 ms that it costs.
 */
export function onRevocation(home: Home, run: string, revoked: (reason: RevocationReason) => void): { close(): void } {
  const file = requestFile(home, run);
  let watcher: FSWatcher | undefined;
  const close = (): void => {
    clearTimeout(begin);
    clearInterval(looking);
    watcher?.close();
  };
  const look = (): void => {
    if (!existsSync(file)) return;
    close();
    revoked(readReason(file));
  };
  let looking: NodeJS.Timeout | undefined;
  const begin = setTimeout(() => {
    try {
      watcher = watch(home.runs, { persistent: false }, (_event, name) => {
        if (name === null || name === path.basename(file)) look();
      }).on('error', () => watcher?.close());
    } catch {
      // The kernel has no watch left to give (inotify(7), max_user_instances).
      looking = setInterval(look, LOOK_MS).unref();
    }
    look();
  }, WATCH_AFTER_MS).unref();
  return { close };
}

function readReason(file: string): RevocationReason {
  try {
    return readFileSync(file, 'utf8') === 'rotated' ? 'rotated' : 'revoked';
  } catch {
    return 'revoked';
  }
}

/** The run is over: nobody will read its request any more. */
export function dropRevocation(home: Home, run: string): void {
  discard(requestFile(home, run));
}

/** Whole or not there: a wrapper reads it as soon as it appears. */
function request(file: string, reason: RevocationReason): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, reason, { mode: 0o600 });
  renameSync(draft, file);
}

/**
 * For everyone else: asks the wrappers of these runs to end them, and waits until each end is on
 * record. Returns the runs that are not over yet: their wrapper is stuck, or of another host.
 */
export async function revokeRuns(home: Home, runs: readonly RunState[], reason: RevocationReason): Promise<RunState[]> {
  for (const { run } of runs) request(requestFile(home, run), reason);
  const started = performance.now();
  let open = [...runs];
  while (
    open.length > 0 &&
    performance.now() - started < PATIENCE_MS + Math.max(...open.map(({ graceMs }) => graceMs))
  ) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    open = open.filter(({ run }) => existsSync(runFile(home, run)));
    if (open.length > 0 && open.every(({ wrapper }) => isAlive(wrapper) === false)) break;
  }
  // A run that was over before it could read its request leaves it to us.
  for (const { run } of runs) if (!open.some((one) => one.run === run)) dropRevocation(home, run);
  return open;
}
