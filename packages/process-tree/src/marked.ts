import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '@hasp/core';
import { identityOf } from './identity.ts';
import { listProcesses } from './proc.ts';

/**
 * Live processes whose environment at exec held `HASP_GRANT=run`. Best effort: a process may have
 * cleared its environment, another user's can't be read, and without /proc nobody's can.
 */
export function findMarked(run: string): ProcessIdentity[] {
  return markedAmong(listProcesses(), run);
}

/**
 * The same as a look that costs less when it is repeated: who was looked at twice is not looked at
 * again. (Once is not enough: in the midst of an exec an environment is empty.)
 */
export function watchMarked(run: string): () => ProcessIdentity[] {
  let before = new Set<number>();
  let known = new Set<number>();
  return () => {
    const pids = listProcesses();
    const open = pids.filter((pid) => !known.has(pid));
    known = new Set(pids.filter((pid) => before.has(pid)));
    before = new Set(pids);
    return markedAmong(open, run);
  };
}

function markedAmong(pids: readonly number[], run: string): ProcessIdentity[] {
  const marker = Buffer.from(`\0HASP_GRANT=${run}\0`);
  const found: ProcessIdentity[] = [];
  for (const pid of pids) {
    if (pid === process.pid || !environmentHolds(pid, marker)) continue;
    const identity = identityOf(pid);
    if (identity) found.push(identity);
  }
  return found;
}

function environmentHolds(pid: number, marker: Buffer): boolean {
  try {
    return Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`), Buffer.of(0)]).includes(marker);
  } catch {
    return false;
  }
}
