import type { Tracking } from '@hasp/core';
import { loadLibc } from './libc.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;

/**
 * Makes this process unreadable to others of the same user (memory, environment, descriptors,
 * ptrace, core dumps; prctl(2) PR_SET_DUMPABLE) and the new parent of every orphan below it
 * (PR_SET_CHILD_SUBREAPER). Children are dumpable again after exec. Call it before a key is in
 * memory and after `readInherited`: an ordinary user can't open its own /proc/self/environ any more.
 */
export function hardenSelf(): { undumpable: boolean; tracking: Tracking } {
  const libc = loadLibc();
  if (!libc) return { undumpable: false, tracking: 'best-effort' };
  const undumpable = libc.prctl(PR_SET_DUMPABLE, 0) === 0;
  const subreaper = libc.prctl(PR_SET_CHILD_SUBREAPER, 1) === 0;
  return { undumpable, tracking: subreaper ? 'full' : 'best-effort' };
}

/**
 * Ends a debugger that SIGUSR1 opened while Node's own handler still stood (the first 20 ms of the
 * process). Node opens it from the event loop, so the loop must turn once first.
 */
export async function closeInspector(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  const debugPort = process as unknown as { _debugEnd?: () => void };
  debugPort._debugEnd?.();
}
