import type { AuditLog } from '@hasp/audit';
import { type Clock, HaspError, type Home } from '@hasp/core';
import type { RunOutcome } from '../ended-event.ts';
import { dropRevocation } from '../revocation.ts';
import { discard, sessionFile } from '../run-file.ts';
import { recordedSession, sessionEndedEvent } from './session-event.ts';
import type { SessionState } from './session-state.ts';

/**
 * Records the end of a session, unless the log has it, and takes its state away: for a wrapper whose broker has
 * gone, and for whoever finds the wrapper killed. Returns what is to be told if it can't be recorded: the next
 * hasp then does it.
 */
export function endSession(
  home: Home,
  log: AuditLog,
  clock: Clock,
  state: SessionState,
  outcome: RunOutcome,
  file: string = sessionFile(home, state.session),
): HaspError | undefined {
  try {
    if (recordedSession(home, state) === 'live') log.append([sessionEndedEvent(state, outcome, clock())]);
  } catch (error) {
    if (error instanceof HaspError) return error;
    throw error;
  }
  dropRevocation(home, state.session);
  discard(file);
  return undefined;
}
