import type { AuditSink, Clock, Home } from '@hasp/core';
import { endedEvent } from './ended-event.ts';
import { openGrants } from './open-grants.ts';
import { type OpenGrant, readRunFile, runFile, writeRunFile } from './run-file.ts';

/**
 * Ends what was to be fetched through a broker that goes, or is gone: the run itself goes on, with what it was handed.
 * Its state loses these grants. Once: what the log has ended is not ended again.
 * @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN, E_STORAGE
 */
export function endAsked(
  home: Home,
  log: AuditSink,
  clock: Clock,
  run: string,
  reason: 'revoked' | 'wrapper-lost',
): void {
  const state = readRunFile(runFile(home, run));
  if (state === undefined || !state.grants.some(isAsked)) return;
  const { root, startedAt } = state;
  const outcome = { reason, survivors: [], ...(root === undefined ? {} : { root }) };
  const open = openGrants(home, state).filter(isAsked);
  log.append(open.map(({ id, secret }) => endedEvent(run, id, secret, outcome, true, clock() - startedAt)));
  writeRunFile(home, { ...state, grants: state.grants.filter((grant) => !isAsked(grant)) }, false);
}

function isAsked({ delivery }: OpenGrant): boolean {
  return delivery === 'ask';
}
