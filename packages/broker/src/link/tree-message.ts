import type { GrantEndReason, ProcessIdentity, Survivor } from '@hasp/core';
import type { RunOutcome } from '../ended-event.ts';
import { array, count, object, oneOf, optional, text } from './fields.ts';

const MAX_MEMBERS = 100_000;
const REASONS: readonly GrantEndReason[] = [
  'exited',
  'signalled',
  'ttl',
  'revoked',
  'rotated',
  'session-ended',
  'agent-revoked',
  'spawn-failed',
];

/** @throws HaspError E_USAGE */
export function readTree(message: unknown): { root?: ProcessIdentity; members: readonly ProcessIdentity[] } {
  const { root, members } = object(message, 'note');
  return {
    ...optional(root, 'root', readIdentity),
    members: array(members, 'members')
      .slice(0, MAX_MEMBERS)
      .map((each) => readIdentity(each, 'members')),
  };
}

/** What a wrapper says of the end of its tree. @throws HaspError E_USAGE */
export function readOutcome(message: unknown): RunOutcome {
  const { reason, root, exitCode, signal, survivors } = object(message, 'end');
  return {
    reason: oneOf(reason, REASONS, 'reason'),
    ...optional(root, 'root', readIdentity),
    ...optional(exitCode, 'exitCode', count),
    ...optional(signal, 'signal', text),
    survivors: array(survivors, 'survivors').map(readSurvivor),
  };
}

function readSurvivor(value: unknown): Survivor {
  const { pid, command, outcome } = object(value, 'survivor');
  return {
    pid: count(pid, 'pid'),
    command: text(command, 'command').slice(0, 64),
    outcome: oneOf(outcome, ['terminated', 'killed', 'left', 'not-permitted'] as const, 'outcome'),
  };
}

function readIdentity(value: unknown, name: string): ProcessIdentity {
  const { pid, startTime, bootId, pidNamespace } = object(value, name);
  return {
    pid: count(pid, 'pid'),
    startTime: text(startTime, 'startTime'),
    bootId: text(bootId, 'bootId'),
    pidNamespace: text(pidNamespace, 'pidNamespace'),
  };
}
