import type { Home } from '@hasp/core';
import { object, oneOf, optional, text } from '../link/fields.ts';
import { liveRuns } from '../live-runs.ts';
import type { Ending, RevocationReason } from '../revocation.ts';
import { type RunState, runFile, sessionFile } from '../run-file.ts';
import { listSessions, type SessionState } from './session-state.ts';

/** What is to end. */
export type Wanted =
  | { readonly all: true }
  /** An agent's name, a session, a run or one of its grants; `reason` is the session's. */
  | { readonly which: string; readonly reason?: 'session-ended' | 'revoked' };

/** @throws HaspError E_USAGE */
export function readWanted(message: unknown): Wanted {
  const { all, which, reason } = object(message, 'revoke');
  if (all === true) return { all };
  return {
    which: text(which, 'which'),
    ...optional(reason, 'reason', (value, name) => oneOf(value, ['session-ended', 'revoked'] as const, name)),
  };
}

/** One or the other: a run has no `session`, also where it is in one. */
export type SessionOrRun = Ending &
  ({ readonly run: RunState; readonly isFetched: RunState['isFetched'] } | { readonly session: SessionState });

/** Runs before the sessions that they are in, so that each learns why it ends. */
export function endingsOf(home: Home, wanted: Wanted): SessionOrRun[] {
  const sessions = listSessions(home);
  const reasons = new Map<string, RevocationReason>();
  for (const session of sessions) {
    const reason = reasonFor(session, wanted, reasons);
    if (reason !== undefined) reasons.set(session.session, reason);
  }
  const runs = liveRuns(home).flatMap((run) => {
    const reason = reasonForRun(run, wanted, reasons);
    if (reason === undefined) return [];
    const { run: id, wrapper, graceMs, isFetched } = run;
    return [{ id, file: runFile(home, id), wrapper, graceMs, reason, run, isFetched }];
  });
  const ended = sessions.flatMap((session) => {
    const { session: id, wrapper, graceMs } = session;
    const reason = reasons.get(id);
    return reason === undefined ? [] : [{ id, file: sessionFile(home, id), wrapper, graceMs, reason, session }];
  });
  // The innermost first.
  return [...runs, ...ended.reverse()];
}

/** Sessions come in the order of their start: a parent before what was begun in it. */
function reasonFor(
  { session, agent, parent }: SessionState,
  wanted: Wanted,
  known: ReadonlyMap<string, RevocationReason>,
): RevocationReason | undefined {
  if ('all' in wanted) return 'revoked';
  if (wanted.which === session) return wanted.reason ?? 'revoked';
  if (wanted.which === agent && wanted.reason === undefined) return 'agent-revoked';
  return parent === undefined ? undefined : known.get(parent);
}

function reasonForRun(
  { run, session, agent, grants }: RunState,
  wanted: Wanted,
  known: ReadonlyMap<string, RevocationReason>,
): RevocationReason | undefined {
  if ('all' in wanted) return 'revoked';
  const ofSession = session === undefined ? undefined : known.get(session);
  if (ofSession !== undefined) return ofSession === 'revoked' ? 'session-ended' : ofSession;
  if (wanted.reason !== undefined) return undefined;
  if (wanted.which === agent) return 'agent-revoked';
  return wanted.which === run || grants.some(({ id }) => id === wanted.which) ? 'revoked' : undefined;
}
