import { constants } from 'node:os';
import type { ProcessIdentity, Survivor } from '@hasp/core';
import { describeProcess } from './describe-process.ts';
import { isAlive } from './identity.ts';
import { loadLibc } from './libc.ts';
import type { ProcessTable } from './platform/process-table.ts';

const { SIGTERM, SIGCONT, SIGKILL } = constants.signals;
const PIDFD_SEND_SIGNAL = 424;
const PIDFD_OPEN = 434;
const EPERM = 1;
/** What takes no KILL within this is in the kernel's hands (uninterruptible): reported as left. */
const KILL_LIMIT_MS = 10_000;
const STEP_MS = 5;

/** Whom to end: asked again and again, since processes fork while they are being ended. */
export interface Doomed {
  /** Live members now. */
  members(): readonly ProcessIdentity[];
  /** Resolves when something changed, or after `ms`. */
  settle(ms: number): Promise<void>;
  /** Where identities are of another kind than those of `identityOf`. */
  readonly table?: Pick<ProcessTable, 'isAlive' | 'nameOf'>;
}

/**
 * TERM, then CONT (a stopped process can't take TERM); after `graceMs` KILL, over and over, until
 * nobody is left. A reused pid is never signalled. @returns what became of each process seen
 */
export async function endAll(doomed: Doomed, graceMs: number): Promise<Survivor[]> {
  const table = doomed.table ?? { isAlive, nameOf: describeProcess };
  const seen = new Map<string, Survivor>();
  const note = (identity: ProcessIdentity, outcome: Survivor['outcome'], signal?: number): void => {
    // The name is read before the signal: afterwards the process may be gone.
    const command = seen.get(keyOf(identity))?.command ?? table.nameOf(identity.pid);
    const sent = signal === undefined ? 'sent' : sendTo(identity, signal, table);
    // It went by itself meanwhile: what was noted of it stands.
    if (sent === 'gone') return;
    seen.set(keyOf(identity), { pid: identity.pid, command, outcome: sent === 'sent' ? outcome : sent });
  };
  const hopeless = (identity: ProcessIdentity): boolean => seen.get(keyOf(identity))?.outcome === 'not-permitted';

  if (graceMs > 0) {
    for (const identity of doomed.members()) {
      note(identity, 'terminated', SIGTERM);
      sendTo(identity, SIGCONT, table);
    }
    const graceEnd = performance.now() + graceMs;
    for (
      let left = graceMs;
      left > 0 && doomed.members().some((one) => !hopeless(one));
      left = graceEnd - performance.now()
    ) {
      await doomed.settle(left);
    }
  }
  const killEnd = performance.now() + KILL_LIMIT_MS;
  for (;;) {
    const members = doomed.members();
    for (const identity of members) {
      note(identity, 'killed', SIGKILL);
    }
    if (members.every(hopeless)) break;
    if (performance.now() > killEnd) {
      for (const identity of members) if (!hopeless(identity)) note(identity, 'left');
      break;
    }
    await doomed.settle(STEP_MS);
  }
  return [...seen.values()];
}

function keyOf({ pid, startTime }: ProcessIdentity): string {
  return `${pid}:${startTime}`;
}

/** Ends processes that are not our children, and their descendants. `graceMs` 0: KILL at once. */
export async function endProcesses(identities: readonly ProcessIdentity[], graceMs: number): Promise<Survivor[]> {
  const { platformTable } = await import('./platform/portable.ts');
  const look = (await platformTable()).watch(identities, undefined);
  let members = await look();
  const settle = async (ms: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)));
    members = await look();
  };
  return endAll({ members: () => members, settle }, graceMs);
}

/** Signals the very process, or nobody. */
export function sendTo(
  identity: ProcessIdentity,
  signal: number,
  table: Pick<ProcessTable, 'isAlive'> = { isAlive },
): 'sent' | 'gone' | 'not-permitted' {
  const libc = loadLibc();
  // A pidfd is bound to the process: checked after it is open, the identity can't change any more.
  const handle = libc ? libc.syscall(PIDFD_OPEN, identity.pid, 0, 0, 0) : -1;
  try {
    if (table.isAlive(identity) !== true) return 'gone';
    if (libc && handle >= 0) {
      if (libc.syscall(PIDFD_SEND_SIGNAL, handle, signal, 0, 0) === 0) return 'sent';
      return libc.errno() === EPERM ? 'not-permitted' : 'gone';
    }
    process.kill(identity.pid, signal);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'not-permitted' : 'gone';
  } finally {
    if (libc && handle >= 0) libc.close(handle);
  }
}
