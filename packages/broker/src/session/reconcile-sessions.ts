import { renameSync } from 'node:fs';
import path from 'node:path';
import type { AuditLog } from '@hasp/audit';
import type { Clock, Home, ProcessIdentity, Survivor } from '@hasp/core';
import { identityOf, isAlive, selfIdentity } from '@hasp/process-tree';
import { endLeft } from '../end-left.ts';
import { requestedEnd } from '../revocation.ts';
import { discard, listRunFiles } from '../run-file.ts';
import { endSession } from './end-session.ts';
import { endWithin } from './end-within.ts';
import { readSession, type SessionState } from './session-state.ts';

/** A session whose wrapper was gone, and what was still alive of it. */
export interface LostSession {
  readonly session: string;
  readonly agent: string;
  readonly survivors: readonly Survivor[];
}

const STATE = /^([0-9a-f]{16})\.session\.json$/;
const CLAIM = /^([0-9a-f]{16})\.session\.claim\.([0-9]+)\.([0-9]+)$/;
const DRAFT = /^[0-9a-f]{16}\.session\.json\.([0-9]+)\.tmp$/;

/** Ends what killed wrappers of sessions left. The runs within them are lost by that: `reconcile` afterwards. */
export async function reconcileSessions(home: Home, openLog: () => AuditLog, clock: Clock): Promise<LostSession[]> {
  const lost: LostSession[] = [];
  for (const name of listRunFiles(home)) {
    const claimed = claim(home, name, clock);
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

function claim(home: Home, name: string, clock: Clock): { file: string; state: SessionState } | undefined {
  const file = path.join(home.runs, name);
  const id = STATE.exec(name)?.[1] ?? CLAIM.exec(name)?.[1];
  const state = id === undefined ? undefined : readSession(file);
  if (state === undefined) dropDeadDraft(file, name);
  if (state === undefined || !isOwnerGone(state, name, clock)) return undefined;
  const self = selfIdentity();
  const mine = path.join(home.runs, `${id}.session.claim.${self.pid}.${self.startTime}`);
  try {
    renameSync(file, mine);
    return { file: mine, state };
  } catch {
    return undefined;
  }
}

function isOwnerGone(state: SessionState, name: string, clock: Clock): boolean {
  const claimed = CLAIM.exec(name);
  const owner: ProcessIdentity =
    claimed === null ? state.wrapper : { ...selfIdentity(), pid: Number(claimed[2]), startTime: claimed[3] ?? '' };
  const alive = isAlive(owner);
  return alive === 'elsewhere' ? clock() > (state.expiresAt ?? Number.POSITIVE_INFINITY) : !alive;
}

function dropDeadDraft(file: string, name: string): void {
  const pid = DRAFT.exec(name)?.[1];
  if (pid !== undefined && identityOf(Number(pid)) === undefined) discard(file);
}
