import type { ProcessIdentity, Survivor } from '@hasp/core';
import { describeProcess, endProcesses, findMarked, isAlive, stopMarked } from '@hasp/process-tree';

/** A process that forks all the time may be between two pids at one look: so many must find nobody. */
const LOOKS = 8;
const PAUSE_MS = 3;
/** No exec takes longer, on the busiest machine. */
const EXEC_MS = 2_000;
/** Outcomes after which there is nothing left to try. */
const BEYOND_REACH: readonly (Survivor['outcome'] | undefined)[] = ['not-permitted', 'left'];
/** As long as one that takes no KILL is waited for. */
const PATIENCE_MS = 10_000;

/** Ends what is left of a tree without its wrapper: who is known, and who bears the mark. KILL at once: nobody watches over a grace. */
export async function endLeft(known: readonly ProcessIdentity[], mark: string): Promise<Survivor[]> {
  const isLiving = (identity: ProcessIdentity) => isAlive(identity) === true;
  const ended = new Map<number, Survivor>();
  const end = performance.now() + PATIENCE_MS;
  const sure = performance.now() + EXEC_MS;
  const stopNew = stopMarked(mark);
  // Quiet is a look that meets nobody: one who was met and is gone again has forked first.
  for (let quiet = 0; quiet < LOOKS && performance.now() < end; ) {
    const look = stopNew();
    const met = [...known.filter(isLiving), ...look.marked];
    const doomed = met.filter(({ pid }) => !BEYOND_REACH.includes(ended.get(pid)?.outcome));
    for (const survivor of doomed.length === 0 ? [] : await endProcesses(doomed, 0)) ended.set(survivor.pid, survivor);
    const isUnsure = look.isUnsure && performance.now() < sure;
    quiet = doomed.length === 0 && !isUnsure ? quiet + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return [...ended.values()];
}

/** Who is left of it, and stays. */
export function listLeft(known: readonly ProcessIdentity[], mark: string): Survivor[] {
  const living = known.filter((identity) => isAlive(identity) === true);
  const left = new Set([...living, ...findMarked(mark)].map(({ pid }) => pid));
  return [...left].map((pid) => ({ pid, command: describeProcess(pid), outcome: 'left' }));
}
