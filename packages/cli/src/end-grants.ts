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
 * Ends the trees of the runs that hold a grant of this secret, or of the one version, and waits for the record of each end.
 * @throws HaspError as `checkEnded`
 */
export async function endGrantsOf(
  context: Context,
  reason: RevocationReason,
  secret: string,
  version?: number,
): Promise<EndedRuns> {
  const live = liveRuns(context.home);
  const nameIn = namesIn(live, secret, context);
  const runs = live.filter((run) =>
    run.grants.some((grant) => grant.secret === nameIn(run) && (version === undefined || grant.version === version)),
  );
  const stuck = await revokeRuns(context.home, runs, reason, () => endLostRuns(context));
  checkEnded(stuck, runs.length, 'runs');
  return { runs, grants: runs.flatMap((run) => run.grants.map(({ id }) => id)) };
}

/** What the secret was called when the grants of a run were recorded. */
function namesIn(runs: readonly RunState[], secret: string, { home }: Context): (run: RunState) => unknown {
  const oldest = Math.min(...runs.map(({ logOffset }) => logOffset));
  const renames: { offset: number; from: unknown; to: unknown }[] = [];
  for (const { offset, record } of runs.length === 0 ? [] : readRecords(home, oldest)) {
    if (record['type'] === 'secret.renamed') renames.unshift({ offset, from: record['secret'], to: record['to'] });
  }
  return ({ logOffset }) =>
    renames.reduce<unknown>((name, { offset, from, to }) => (offset >= logOffset && to === name ? from : name), secret);
}

/** One line on what a rotation or removal took back. */
export function endedNotes({ runs, grants }: EndedRuns): string[] {
  if (runs.length === 0) return [];
  const trees = counted(runs.length, 'live run');
  return [`ended ${trees} and ${grants.length === 1 ? 'its grant' : `${grants.length} grants`}`];
}
