import { existsSync } from 'node:fs';
import { endAndWait } from '@hasp/broker';
import { endingsOf, type SessionOrRun, type Wanted } from '@hasp/broker/session';
import { HaspError } from '@hasp/core';
import { tellBroker } from './broker-line.ts';
import { checkEnded } from './check-ended.ts';
import type { Context } from './context.ts';
import { refuseInside } from './session-place.ts';
import { endLostRuns } from './stores.ts';

/** The ids of what has ended. */
export interface Ended {
  readonly runs: readonly string[];
  readonly grants: readonly string[];
  readonly sessions: readonly string[];
  /** How many waited for a person's yes: they got a no. */
  readonly withdrawn: number;
}

/**
 * Ends runs and sessions, their trees with them, and waits for the record of each end. The broker gives them nothing
 * more from now on; without one their wrappers are asked.
 * @throws HaspError E_INTERNAL where a wrapper does not answer, E_AGENT_SESSION where it is another's
 */
export async function endEverything(context: Context, wanted: Wanted): Promise<Ended> {
  const endings = endingsOf(context.home, wanted);
  for (const ending of endings) if (!isOwn(context, ending)) refuseInside(context, 'to end what is not its own');
  const withdrawn = await tell(context, wanted);
  const stuck = await endAndWait(context.home, endings, () => endLostRuns(context));
  const what = endings.some((ending) => 'session' in ending) ? 'runs and sessions' : 'runs';
  checkEnded(stuck, endings.length, what);
  const runs = endings.flatMap((ending) => ('run' in ending ? [ending.run] : []));
  return {
    runs: runs.map(({ run }) => run),
    grants: runs.flatMap(({ grants }) => grants.map(({ id }) => id)),
    sessions: endings.flatMap((ending) => ('session' in ending ? [ending.id] : [])),
    withdrawn,
  };
}

/** What a session has begun, and itself. */
function isOwn({ inside }: Context, ending: SessionOrRun): boolean {
  if (inside === undefined) return true;
  if ('run' in ending) return ending.run.session !== undefined && ending.run.session === inside.session;
  return ending.session.session === inside.session || ending.session.parent === inside.session;
}

/** It may be gone, or not listen to a session: the wrappers are asked all the same. */
async function tell(context: Context, wanted: Wanted): Promise<number> {
  if (context.inside !== undefined || !existsSync(context.home.brokerSocket)) return 0;
  try {
    return (await tellBroker<{ withdrawn?: number }>(context, { revoke: wanted }))?.withdrawn ?? 0;
  } catch (error) {
    if (!(error instanceof HaspError)) throw error;
    return 0;
  }
}
