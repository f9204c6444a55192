import type { Home, ProcessIdentity } from '@hasp/core';
import { liveRuns } from '../live-runs.ts';
import { requestEnd, requestedEnd } from '../revocation.ts';
import { runFile, sessionFile } from '../run-file.ts';
import { listSessions } from './session-state.ts';

/**
 * Tells the runs and sessions within a session that they end because it does, if nobody has told them another
 * reason. Returns their wrappers.
 */
export function endWithin(
  home: Home,
  session: string,
  reason: 'session-ended' | 'agent-revoked' = 'session-ended',
): ProcessIdentity[] {
  const runs = liveRuns(home).filter((run) => run.session === session);
  const inner = listSessions(home).filter(({ parent }) => parent === session);
  const endings = [
    ...runs.map(({ run: id }) => ({ id, file: runFile(home, id), reason })),
    ...inner.map(({ session: id }) => ({ id, file: sessionFile(home, id), reason })),
  ];
  for (const ending of endings) if (requestedEnd(home, ending.id) === undefined) requestEnd(home, ending);
  // What is fetched has the broker for its wrapper.
  const wrapped = runs.filter(({ isFetched }) => isFetched !== true);
  return [...wrapped, ...inner].map(({ wrapper }) => wrapper);
}
