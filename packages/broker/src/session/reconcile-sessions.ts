import type { AuditLog } from '@hasp/audit';
import type { Clock, Home, Survivor } from '@hasp/core';
import { claimLeft, leftFiles } from '../claim.ts';
import { endLeft } from '../end-left.ts';
import { requestedEnd } from '../revocation.ts';
import { listRunFiles } from '../run-file.ts';
import { endSession } from './end-session.ts';
import { endWithin } from './end-within.ts';
import { readSession, type SessionState } from './session-state.ts';

/** A session whose wrapper was gone, and what was still alive of it. */
export interface LostSession {
  readonly session: string;
  readonly agent: string;
  readonly survivors: readonly Survivor[];
}

const SESSIONS = leftFiles<SessionState>('.session', readSession);

/** Ends what killed wrappers of sessions left. The runs within them are lost by that: `reconcile` afterwards. */
export async function reconcileSessions(home: Home, openLog: () => AuditLog, clock: Clock): Promise<LostSession[]> {
  const lost: LostSession[] = [];
  for (const name of listRunFiles(home)) {
    const claimed = claimLeft(home, name, SESSIONS, clock);
    if (claimed === undefined) continue;
    const { file, state } = claimed;
    const survivors = await endTree(home, state);
    const reason = requestedEnd(home, state.session) ?? 'wrapper-lost';
    const root = state.root === undefined ? {} : { root: state.root };
    const trouble = endSession(home, openLog(), clock, state, { reason, survivors, ...root }, file);
    if (trouble !== undefined) throw trouble;
    lost.push({ session: state.session, agent: state.agent, survivors });
  }
  return lost;
}

/** The grants of its runs end because the session does. */
async function endTree(home: Home, state: SessionState): Promise<Survivor[]> {
  const { session, root, members } = state;
  const wrappers = endWithin(home, session);
  return endLeft([...(root === undefined ? [] : [root]), ...members, ...wrappers], `HASP_SESSION=${session}`);
}
