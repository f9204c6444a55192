import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '@hasp/core';
import { identityOf } from './identity.ts';
import { isDead, listProcesses, readStat } from './proc.ts';
import { stopProcess } from './stopped.ts';

/** What one look at all processes has met. */
export interface Look {
  readonly marked: ProcessIdentity[];
  /** Somebody was in the midst of an exec, where no environment can be seen: look again. */
  readonly isUnsure: boolean;
}

/**
 * Live processes whose environment at exec held `NAME=value`, such as HASP_GRANT=17b2561e5cacacac. Best effort: a
 * process may have cleared its environment, another user's can't be read, and without /proc nobody's can.
 */
export function findMarked(mark: string): ProcessIdentity[] {
  return watchMarked(mark)().marked;
}

/** Whether the environment of that process held the mark at exec. */
export function isMarked(pid: number, mark: string): boolean {
  return readEnvironment(pid)?.includes(`\0${mark}\0`) === true;
}

/**
 * The same as a look that costs less when it is repeated: who was seen twice without the mark is not looked
 * at again. So a marked one is given by some looks only: the caller remembers it.
 */
export function watchMarked(mark: string, met?: (identity: ProcessIdentity) => void): () => Look {
  const marker = Buffer.from(`\0${mark}\0`);
  let others = new Set<number>();
  let known = new Set<number>();
  return () => {
    const pids = listProcesses();
    const marked: ProcessIdentity[] = [];
    const before = others;
    others = new Set();
    let isUnsure = false;
    for (const pid of pids) {
      if (pid === process.pid || known.has(pid)) continue;
      const environment = readEnvironment(pid);
      if (environment?.includes(marker)) {
        const identity = identityOf(pid);
        if (!identity) continue;
        met?.(identity);
        marked.push(identity);
      } else if (environment !== undefined && environment.length === EMPTY && isInExec(pid)) {
        isUnsure = true;
      } else {
        others.add(pid);
      }
    }
    known = new Set(pids.filter((pid) => known.has(pid) || (before.has(pid) && others.has(pid))));
    return { marked, isUnsure };
  };
}

/**
 * Such looks, of which each stops whom it meets at that very moment: one that forks all the time lives
 * shorter than a first look at all processes takes. Stopped, it forks no more and can be ended at leisure.
 */
export function stopMarked(mark: string): () => Look {
  return watchMarked(mark, stopProcess);
}

/** Only the two NULs around it. */
const EMPTY = 2;

/** With a NUL on both sides; undefined where it can't be read. */
function readEnvironment(pid: number): Buffer | undefined {
  try {
    return Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`), Buffer.of(0)]);
  } catch {
    return undefined;
  }
}

/** Neither environment nor arguments, and yet it lives and is none of the kernel's own (all below process 2). */
function isInExec(pid: number): boolean {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`).length > 0) return false;
  } catch {
    return false;
  }
  const stat = readStat(pid);
  return stat !== undefined && !isDead(stat) && stat.state !== 'Z' && pid !== 2 && stat.parent !== 2;
}
