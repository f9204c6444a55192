import type { Home, ProcessIdentity } from '@hasp/core';
import { liveRuns } from '../live-runs.ts';
import { requestEnd } from '../revocation.ts';
import { runFile, sessionFile } from '../run-file.ts';
import { listSessions } from './session-state.ts';

/** Tells the runs and sessions within a session that they end because it does. Returns their wrappers. */
export function endWithin(home: Home, session: string): ProcessIdentity[] {
  const runs = liveRuns(home).filter((run) => run.session === session);
  const inner = listSessions(home).filter(({ parent }) => parent === session);
  for (const { run } of runs) requestEnd(home, { id: run, file: runFile(home, run), reason: 'session-ended' });
  for (const { session: id } of inner) {
    requestEnd(home, { id, file: sessionFile(home, id), reason: 'session-ended' });
  }
  // What is fetched has the broker for its wrapper.
  const wrapped = runs.filter(({ isFetched }) => isFetched !== true);
  return [...wrapped, ...inner].map(({ wrapper }) => wrapper);
}
