import { liveRuns, type RevocationReason, type RunState, revokeRuns } from '@hasp/broker';
import { checkEnded } from './check-ended.ts';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { endLostRuns } from './stores.ts';

/** What became of the runs that were asked to end. */
export interface EndedRuns {
  readonly runs: readonly RunState[];
  readonly grants: readonly string[];
}

/**
 * Ends the trees of the runs that hold such a grant, and waits for the record of each end.
 * @throws HaspError as `checkEnded`
 */
export async function endGrantsOf(
  context: Context,
  reason: RevocationReason,
  holds: (grant: RunState['grants'][number], run: RunState) => boolean,
): Promise<EndedRuns> {
  const runs = liveRuns(context.home).filter((run) => run.grants.some((grant) => holds(grant, run)));
  const stuck = await revokeRuns(context.home, runs, reason, () => endLostRuns(context));
  checkEnded(stuck, runs.length, 'runs');
  return { runs, grants: runs.flatMap((run) => run.grants.map(({ id }) => id)) };
}

/** One line on what a rotation or removal took back. */
export function endedNotes({ runs, grants }: EndedRuns): string[] {
  if (runs.length === 0) return [];
  const trees = counted(runs.length, 'live run');
  return [`ended ${trees} and ${grants.length === 1 ? 'its grant' : `${grants.length} grants`}`];
}
