import type { AuditLog } from '@hasp/audit';
import type { Clock, Home, ProcessIdentity } from '@hasp/core';
import { endProcesses, isAlive } from '@hasp/process-tree';
import { reconcile } from '../reconcile.ts';
import { reconcileSessions } from '../session/reconcile-sessions.ts';

/** A wrapper whose line ended is given so long to be gone. */
const GONE_MS = 250;
const STEP_MS = 2;

/**
 * Ends what is left of the tree of a wrapper that let go of its run or session, and records the end of its
 * grants. Returns the sessions that were lost by that.
 */
export async function endLostWrapper(
  home: Home,
  log: AuditLog,
  clock: Clock,
  wrapper: ProcessIdentity,
): Promise<string[]> {
  for (const end = performance.now() + GONE_MS; isAlive(wrapper) === true && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  // One that lives and has let go of its line keeps what it was given no longer.
  if (isAlive(wrapper) === true) await endProcesses([wrapper], 0);
  const ended: string[] = [];
  // Whoever is ended may have been the wrapper of another, which is lost by that.
  for (let isDone = false; !isDone; ) {
    const sessions = await reconcileSessions(home, () => log, clock);
    const runs = await reconcile(home, () => log, clock);
    ended.push(...sessions.map(({ session }) => session));
    isDone = sessions.length === 0 && runs.length === 0;
  }
  return ended;
}
