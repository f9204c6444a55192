import { existsSync } from 'node:fs';
import { endAndWait } from '@hasp/broker';
import { endingsOf, type SessionOrRun, type Wanted } from '@hasp/broker/session';
import { HaspError } from '@hasp/core';
import { tellBroker } from './broker-line.ts';
import type { Context } from './context.ts';
import { refuseInside } from './session-place.ts';
import { endLostRuns } from './stores.ts';

/** The ids of what has ended. */
export interface Ended {
  readonly runs: readonly string[];
  readonly grants: readonly string[];
  readonly sessions: readonly string[];
}

/**
 * Ends runs and sessions, their trees with them, and waits for the record of each end. The broker gives them nothing
 * more from now on; without one their wrappers are asked.
 * @throws HaspError E_INTERNAL where a wrapper does not answer, E_AGENT_SESSION where it is another's
 */
export async function endEverything(context: Context, wanted: Wanted): Promise<Ended> {
  const endings = endingsOf(context.home, wanted);
  for (const ending of endings) if (!isOwn(context, ending)) refuseInside(context, 'to end what is not its own');
  await tell(context, wanted);
  const stuck = await endAndWait(context.home, endings, () => endLostRuns(context));
  if (stuck.length > 0 && stuck.every(isFetched)) throw unrecorded(stuck.length);
  if (stuck.length > 0) {
    const what = endings.some((ending) => 'session' in ending) ? 'runs and sessions' : 'runs';
    const pids = stuck.map(({ wrapper }) => wrapper.pid).join(', ');
    throw new HaspError(
      'E_INTERNAL',
      `${stuck.length} of ${endings.length} ${what} did not end (wrapper ${pids})`,
      `end them by hand: kill -9 ${pids}, then hasp grants`,
    );
  }
  const runs = endings.flatMap((ending) => ('run' in ending ? [ending.run] : []));
  return {
    runs: runs.map(({ run }) => run),
    grants: runs.flatMap(({ grants }) => grants.map(({ id }) => id)),
    sessions: endings.flatMap((ending) => ('session' in ending ? [ending.id] : [])),
  };
}

/** Held by the broker itself, for whoever asks its API. */
function isFetched(ending: SessionOrRun): boolean {
  return 'run' in ending && ending.run.isFetched === true;
}

/** The broker gives nothing by them while it can't record. */
function unrecorded(count: number): HaspError {
  return new HaspError(
    'E_AUDIT_WRITE',
    `the end of ${count === 1 ? 'a grant' : `${count} grants`} of the API could not be recorded; no value goes out meanwhile`,
    'make the log writable again, then once more: hasp revoke --all; or hasp agent revoke NAME',
  );
}

/** What a session has begun, and itself. */
function isOwn({ inside }: Context, ending: SessionOrRun): boolean {
  if (inside === undefined) return true;
  if ('run' in ending) return ending.run.session !== undefined && ending.run.session === inside.session;
  return ending.session.session === inside.session || ending.session.parent === inside.session;
}

/** It may be gone, or not listen to a session: the wrappers are asked all the same. */
async function tell(context: Context, wanted: Wanted): Promise<void> {
  if (context.inside !== undefined || !existsSync(context.home.brokerSocket)) return;
  try {
    await tellBroker(context, { revoke: wanted });
  } catch (error) {
    if (!(error instanceof HaspError)) throw error;
  }
}
