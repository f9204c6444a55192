import type { AuditLog } from '@hasp/audit';
import type { Clock, Home, ProcessIdentity } from '@hasp/core';
import { endProcesses, isAlive } from '@hasp/process-tree';
import { reconcile } from '../reconcile.ts';

/** A wrapper whose line ended is given so long to be gone. */
const GONE_MS = 250;
const STEP_MS = 2;

/** Ends what is left of the tree of a wrapper that let go of its run, and records the end of its grants. */
export async function endLostWrapper(home: Home, log: AuditLog, clock: Clock, wrapper: ProcessIdentity): Promise<void> {
  for (const end = performance.now() + GONE_MS; isAlive(wrapper) === true && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  // One that lives and has let go of its line keeps what it was given no longer.
  if (isAlive(wrapper) === true) await endProcesses([wrapper], 0);
  await reconcile(home, () => log, clock);
}
