import type { Tracking } from '@hasp/core';
import { loadLibc } from './libc.ts';
import { hasProc, listFolder, readText } from './proc.ts';

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
  // Without /proc the kernel tells that somebody is left, and nothing tells who.
  const subreaper = hasProc() && libc.prctl(PR_SET_CHILD_SUBREAPER, 1) === 0;
  return { undumpable, tracking: subreaper ? 'full' : 'best-effort' };
}

/** Looks, a millisecond apart: a busy thread of V8's own must not keep us for ever. */
const PATIENCE = 250;

/**
 * Ends a debugger that SIGUSR1 opened while Node's own handler still stood (the first 20 ms of the
 * process). That handler wakes a thread, the thread asks the event loop to open the debugger; so once
 * a handler of ours stands, this waits until every other thread sleeps and the loop has turned.
 */
export async function closeInspector(): Promise<void> {
  // Counted, not timed: `performance` alone would cost a start 3 ms.
  for (let looks = 0; looks < PATIENCE && anotherThreadRuns(); looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setImmediate(resolve));
  const debugPort = process as unknown as { _debugEnd?: () => void };
  debugPort._debugEnd?.();
}

function anotherThreadRuns(): boolean {
  return listFolder('/proc/self/task').some((thread) => {
    if (thread === String(process.pid)) return false;
    const text = readText(`/proc/self/task/${thread}/stat`) ?? '';
    return text.charAt(text.lastIndexOf(')') + 2) === 'R';
  });
}
