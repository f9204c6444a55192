import { existsSync } from 'node:fs';
import type { AuditSink, Clock, Home, Survivor } from '@hasp/core';
import { continueStopped } from '@hasp/process-tree';
import { claimLeft, leftFiles } from './claim.ts';
import { removeDeliveredFiles } from './deliver/file.ts';
import { endedEvent, type RunOutcome } from './ended-event.ts';
import { openGrants } from './open-grants.ts';
import { dropRevocation, requestedEnd, requestIn } from './revocation.ts';
import { discard, listRunFiles, type RunState, readRunFile, runFile, sessionFile } from './run-file.ts';

/** One run whose wrapper was gone, and what was still alive of it. */
export interface Reconciled {
  readonly run: string;
  readonly command: readonly string[];
  readonly secrets: readonly string[];
  readonly survivors: readonly Survivor[];
}

const RUNS = leftFiles<RunState>('', readRunFile);

/**
 * Ends what killed wrappers left open: processes, files, grants without an end. Every hasp that
 * writes does this first. A file is claimed by renaming it, so that one end is written.
 */
export async function reconcile(home: Home, openLog: () => AuditSink, clock: Clock): Promise<Reconciled[]> {
  const reconciled: Reconciled[] = [];
  // Whoever is ended may have been the wrapper of another run, which is lost by that.
  for (;;) {
    const found = await reconcileOnce(home, openLog, clock);
    reconciled.push(...found);
    if (found.every(({ survivors }) => survivors.length === 0)) return reconciled;
  }
}

async function reconcileOnce(home: Home, openLog: () => AuditSink, clock: Clock): Promise<Reconciled[]> {
  const reconciled: Reconciled[] = [];
  for (const name of listRunFiles(home)) {
    // A stopped wrapper's timers stand still; continued, it ends its tree at once.
    const claimed = claimLeft(home, name, RUNS, clock, ({ wrapper, expiresAt }) => {
      if (clock() > expiresAt) continueStopped(wrapper);
    });
    dropOldRequest(home, name);
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

/** Asked of a run that is over: who asked was killed before it could take that back. */
function dropOldRequest(home: Home, name: string): void {
  const run = requestIn(name)?.id;
  if (run === undefined || [runFile(home, run), sessionFile(home, run)].some((file) => existsSync(file))) return;
  dropRevocation(home, run);
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
  log: AuditSink,
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
