import { readRecords } from '@hasp/audit';
import type { Home, SessionEndedEvent } from '@hasp/core';
import type { RunOutcome } from '../ended-event.ts';
import type { SessionState } from './session-state.ts';

export function sessionEndedEvent(
  { session, agent, startedAt }: SessionState,
  { reason, root, exitCode, signal, survivors }: RunOutcome,
  now: number,
): SessionEndedEvent {
  return {
    type: 'session.ended',
    session,
    agent,
    ...(root === undefined ? {} : { root: { pid: root.pid, startTime: root.startTime } }),
    endReason: reason,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    durationMs: Math.max(0, now - startedAt),
    survivors: survivors.slice(0, 64),
  };
}

/** What the log says of a session: a file can be written by every process of the user. */
export function recordedSession(home: Home, state: SessionState): 'live' | 'ended' | 'unknown' {
  let found: 'live' | 'ended' | 'unknown' = 'unknown';
  for (const { record } of readRecords(home, state.logOffset)) {
    if (record['session'] !== state.session) continue;
    if (record['type'] === 'session.ended') return 'ended';
    if (record['type'] === 'session.started' && isOf(record, state)) found = 'live';
  }
  return found;
}

function isOf(record: Record<string, unknown>, { agent, wrapper }: SessionState): boolean {
  const { pid, startTime, bootId } = record['wrapper'] as Record<string, unknown>;
  const isSame = pid === wrapper.pid && startTime === wrapper.startTime && bootId === wrapper.bootId;
  return isSame && record['agent'] === agent;
}
