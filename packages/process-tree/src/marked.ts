import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '@hasp/core';
import { identityOf } from './identity.ts';
import { listProcesses } from './proc.ts';
import { stopProcess } from './stopped.ts';

/**
 * Live processes whose environment at exec held `HASP_GRANT=run`. Best effort: a process may have
 * cleared its environment, another user's can't be read, and without /proc nobody's can.
 */
export function findMarked(run: string): ProcessIdentity[] {
  return markedAmong(listProcesses(), run);
}

/**
 * The same as a look that costs less when it is repeated: who was looked at twice is not looked at
 * again. (Once is not enough: in the midst of an exec an environment is empty.) So a marked one is given
 * by two looks only: the caller remembers it.
 */
export function watchMarked(run: string, met?: (identity: ProcessIdentity) => void): () => ProcessIdentity[] {
  let before = new Set<number>();
  let known = new Set<number>();
  return () => {
    const pids = listProcesses();
    const open = pids.filter((pid) => !known.has(pid));
    known = new Set(pids.filter((pid) => before.has(pid)));
    before = new Set(pids);
    return markedAmong(open, run, met);
  };
}

/**
 * Such looks, of which each stops whom it meets at that very moment: one that forks all the time lives
 * shorter than a first look at all processes takes. Stopped, it forks no more and can be ended at leisure.
 */
export function stopMarked(run: string): () => ProcessIdentity[] {
  return watchMarked(run, stopProcess);
}

function markedAmong(
  pids: readonly number[],
  run: string,
  met: (identity: ProcessIdentity) => void = () => {},
): ProcessIdentity[] {
  const marker = Buffer.from(`\0HASP_GRANT=${run}\0`);
  const found: ProcessIdentity[] = [];
  for (const pid of pids) {
    if (pid === process.pid || !environmentHolds(pid, marker)) continue;
    const identity = identityOf(pid);
    if (!identity) continue;
    met(identity);
    found.push(identity);
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
