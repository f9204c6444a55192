import { readRecords } from '@hasp/audit';
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

/** Whether a live grant is of this secret, by the name that it had when the grant was recorded. */
export function isGrantOf(secret: string, { home }: Context): (grant: { secret: string }, run: RunState) => boolean {
  const runs = liveRuns(home);
  const oldest = Math.min(...runs.map(({ logOffset }) => logOffset));
  const renames: { offset: number; from: unknown; to: unknown }[] = [];
  for (const { offset, record } of runs.length === 0 ? [] : readRecords(home, oldest)) {
    if (record['type'] === 'secret.renamed') renames.unshift({ offset, from: record['secret'], to: record['to'] });
  }
  return (grant, { logOffset }) => {
    let name: unknown = secret;
    for (const { offset, from, to } of renames) if (offset >= logOffset && to === name) name = from;
    return grant.secret === name;
  };
}

/** One line on what a rotation or removal took back. */
export function endedNotes({ runs, grants }: EndedRuns): string[] {
  if (runs.length === 0) return [];
  const trees = counted(runs.length, 'live run');
  return [`ended ${trees} and ${grants.length === 1 ? 'its grant' : `${grants.length} grants`}`];
}
