import { existsSync } from 'node:fs';
import type { AuditLog } from '@hasp/audit';
import { type Clock, HaspError, type Home } from '@hasp/core';
import { removeDeliveredFiles } from './deliver/file.ts';
import { endedEvent, type RunOutcome } from './ended-event.ts';
import { openGrants } from './open-grants.ts';
import { dropRevocation } from './revocation.ts';
import { discard, readRunFile, runFile } from './run-file.ts';

/**
 * For a wrapper whose broker has gone: records the end of its grants by itself. Where the broker did so
 * before it went, nothing is left to do. Returns what is to be told if it can't be recorded.
 */
export function endRunAlone(
  home: Home,
  log: AuditLog,
  clock: Clock,
  run: string,
  outcome: RunOutcome,
): HaspError | undefined {
  const file = runFile(home, run);
  const state = existsSync(file) ? readRunFile(file) : undefined;
  if (state === undefined) return undefined;
  const filesGone = state.folder === undefined || removeDeliveredFiles(state.folder, state.files);
  const clean = filesGone && outcome.survivors.length === 0;
  const duration = clock() - state.startedAt;
  try {
    const open = openGrants(home, state);
    if (open.length > 0)
      log.append(open.map(({ id, secret }) => endedEvent(run, id, secret, outcome, clean, duration)));
  } catch (error) {
    if (error instanceof HaspError) return error;
    throw error;
  }
  dropRevocation(home, run);
  discard(file);
  return undefined;
}
