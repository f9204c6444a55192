import type { Home } from '@hasp/core';
import { isAlive } from '@hasp/process-tree';
import { liveRuns } from '../live-runs.ts';
import type { SessionState } from './session-state.ts';

/** A session as JSON shows it. */
export function sessionDocument(home: Home, state: SessionState) {
  const { session, agent, parent, startedAt, expiresAt, keyExposed, command, cwd, wrapper, root } = state;
  return {
    id: session,
    agent,
    ...(parent === undefined ? {} : { parent }),
    state: isAlive(wrapper) === false ? 'lost' : 'live',
    startedAt: new Date(startedAt).toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    keyExposed,
    command,
    cwd,
    wrapper: { pid: wrapper.pid, startTime: wrapper.startTime },
    ...(root === undefined ? {} : { root: { pid: root.pid, startTime: root.startTime } }),
    grants: liveRuns(home)
      .filter((run) => run.session === session)
      .flatMap(({ grants }) => grants.map(({ id }) => id)),
  };
}
