import { existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { AuditLog } from '@hasp/audit';
import type { Clock, Home, ProcessIdentity, Survivor } from '@hasp/core';
import { continueStopped, identityOf, isAlive, selfIdentity } from '@hasp/process-tree';
import { removeDeliveredFiles } from './deliver/file.ts';
import { endedEvent, type RunOutcome } from './ended-event.ts';
import { openGrants } from './open-grants.ts';
import { dropRevocation, requestedEnd } from './revocation.ts';
import { discard, listRunFiles, type RunState, readRunFile, runFile, sessionFile } from './run-file.ts';

/** One run whose wrapper was gone, and what was still alive of it. */
export interface Reconciled {
  readonly run: string;
  readonly command: readonly string[];
  readonly secrets: readonly string[];
  readonly survivors: readonly Survivor[];
}

const STATE = /^([0-9a-f]{16})\.json$/;
const CLAIM = /^([0-9a-f]{16})\.claim\.([0-9]+)\.([0-9]+)$/;
const DRAFT = /^[0-9a-f]{16}\.json\.([0-9]+)\.tmp$/;
const REQUEST = /^([0-9a-f]{16})\.(?:revoked|rotated|session-ended|agent-revoked)$/;

/**
 * Ends what killed wrappers left open: processes, files, grants without an end. Every hasp that
 * writes does this first. A file is claimed by renaming it, so that one end is written.
 */
export async function reconcile(home: Home, openLog: () => AuditLog, clock: Clock): Promise<Reconciled[]> {
  const reconciled: Reconciled[] = [];
  // Whoever is ended may have been the wrapper of another run, which is lost by that.
  for (;;) {
    const found = await reconcileOnce(home, openLog, clock);
    reconciled.push(...found);
    if (found.every(({ survivors }) => survivors.length === 0)) return reconciled;
  }
}

async function reconcileOnce(home: Home, openLog: () => AuditLog, clock: Clock): Promise<Reconciled[]> {
  const reconciled: Reconciled[] = [];
  for (const name of listRunFiles(home)) {
    const claimed = claim(home, name, clock);
    if (claimed === undefined) continue;
    const { file, state } = claimed;
    const survivors = state.isFetched === true ? [] : await endSurvivors(state);
    const filesGone = state.folder === undefined || removeDeliveredFiles(state.folder, state.files);
    recordEnds(home, openLog(), state, survivors, filesGone, clock);
    dropRevocation(home, state.run);
    discard(file);
    reconciled.push({
      run: state.run,
      command: state.command,
      secrets: state.grants.map((grant) => grant.secret),
      survivors,
    });
  }
  return reconciled;
}

/** Takes a run that nobody owns any more; undefined where somebody does, or another was faster. */
function claim(home: Home, name: string, clock: Clock): { file: string; state: RunState } | undefined {
  const file = path.join(home.runs, name);
  const run = STATE.exec(name)?.[1] ?? CLAIM.exec(name)?.[1];
  if (run === undefined) {
    dropDeadDraft(file, name, clock);
    dropOldRequest(home, name);
    return undefined;
  }
  const state = readRunFile(file);
  if (state === undefined) return undefined;
  if (!isOwnerGone(state, name, clock)) {
    // A stopped wrapper's timers stand still; continued, it ends its tree at once.
    if (clock() > state.expiresAt) continueStopped(state.wrapper);
    return undefined;
  }
  const self = selfIdentity();
  const mine = path.join(home.runs, `${run}.claim.${self.pid}.${self.startTime}`);
  try {
    renameSync(file, mine);
  } catch {
    return undefined;
  }
  return { file: mine, state };
}

/** Asked of a run that is over: who asked was killed before it could take that back. */
function dropOldRequest(home: Home, name: string): void {
  const run = REQUEST.exec(name)?.[1];
  if (run === undefined || [runFile(home, run), sessionFile(home, run)].some((file) => existsSync(file))) return;
  dropRevocation(home, run);
}

function isOwnerGone(state: RunState, name: string, clock: Clock): boolean {
  const claimed = CLAIM.exec(name);
  const owner: ProcessIdentity =
    claimed === null ? state.wrapper : { ...selfIdentity(), pid: Number(claimed[2]), startTime: claimed[3] ?? '' };
  const alive = isAlive(owner);
  // Seen from another pid namespace or host nothing is known: the ttl decides.
  return alive === 'elsewhere' ? clock() > state.expiresAt : !alive;
}

/** A state that a killed wrapper did not put in place: it had granted nothing more than the one before. */
function dropDeadDraft(file: string, name: string, clock: Clock): void {
  const pid = DRAFT.exec(name)?.[1];
  if (pid === undefined) return;
  const state = readRunFile(file);
  const isDead = state === undefined ? identityOf(Number(pid)) === undefined : isOwnerGone(state, name, clock);
  if (isDead) discard(file);
}

async function endSurvivors(state: RunState): Promise<Survivor[]> {
  const known = [...(state.root === undefined ? [] : [state.root]), ...state.members];
  const mark = `HASP_GRANT=${state.run}`;
  // Loaded here: few runs meet one that was lost.
  const { endLeft, listLeft } = await import('./end-left.ts');
  return state.stragglers === 'leave' ? listLeft(known, mark) : endLeft(known, mark);
}

function recordEnds(
  home: Home,
  log: AuditLog,
  state: RunState,
  survivors: readonly Survivor[],
  filesGone: boolean,
  clock: Clock,
) {
  const open = openGrants(home, state);
  if (open.length === 0) return;
  const outcome: RunOutcome = {
    // Of a session that ends, its wrappers are ended too.
    reason: (state.session === undefined ? undefined : requestedEnd(home, state.run)) ?? 'wrapper-lost',
    survivors,
    ...(state.root === undefined ? {} : { root: state.root }),
  };
  const clean = filesGone && survivors.length === 0;
  const durationMs = clock() - state.startedAt;
  log.append(open.map(({ id, secret }) => endedEvent(state.run, id, secret, outcome, clean, durationMs)));
}
