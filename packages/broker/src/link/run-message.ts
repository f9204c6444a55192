import {
  type AccessRequest,
  type Binding,
  type Delivery,
  isVariable,
  parseName,
  type Reference,
  type StragglerPolicy,
  type Tracking,
} from '@hasp/core';
import type { RunRequest } from '../run-request.ts';
import { array, count, object, oneOf, optional, text, wrong } from './fields.ts';

/**
 * A request as it goes to the broker. Who asks is not in it: the kernel names that. Of the environment
 * only the variables that are to be granted, since it could have them with another value, and what the command is looked for in.
 */
export function requestMessage(request: RunRequest): object {
  const { caller, wishes, ...rest } = request;
  const granted = wishes.flatMap(({ binding: { delivery } }) => ('variable' in delivery ? [delivery.variable] : []));
  const present = ['PATH', ...granted].flatMap((name) => {
    const value = caller.environment.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...rest, wishes, caller: { tracking: caller.tracking, cwd: caller.cwd, environment: present } };
}

/** All but who asks. */
export type AskedRun = Omit<RunRequest, 'caller'> & {
  readonly caller: Pick<RunRequest['caller'], 'tracking' | 'cwd' | 'environment'>;
};

const MAX_WISHES = 1_000;

/** @throws HaspError E_USAGE, E_NAME_INVALID: every field is checked, since anything can connect. */
export function readRequest(message: unknown): AskedRun {
  const fields = object(message, 'request');
  const caller = object(fields['caller'], 'caller');
  const wishes = array(fields['wishes'], 'wishes').map(readWish);
  if (wishes.length === 0 || wishes.length > MAX_WISHES) throw wrong('wishes');
  return {
    wishes,
    ...optional(fields['projectFacts'], 'projectFacts', (value, name) => {
      const { root, manifestHash } = object(value, name);
      return { root: text(root, name), manifestHash: text(manifestHash, name) };
    }),
    ...optional(fields['project'], 'project', text),
    ...optional(fields['target'], 'target', text),
    ...optional(fields['reason'], 'reason', text),
    command: array(fields['command'], 'command').map((word) => text(word, 'command')),
    ttlMs: count(fields['ttlMs'], 'ttlMs'),
    stragglers: oneOf<StragglerPolicy>(fields['stragglers'], ['kill', 'wait', 'leave'], 'stragglers'),
    graceMs: count(fields['graceMs'], 'graceMs'),
    ...optional(fields['scope'], 'scope', (value, name) => oneOf(value, ['tree', 'root'] as const, name)),
    override: fields['override'] === true,
    caller: {
      tracking: oneOf<Tracking>(caller['tracking'], ['full', 'best-effort'], 'tracking'),
      cwd: text(caller['cwd'], 'cwd'),
      environment: new Map(
        array(caller['environment'], 'environment').map((pair) => {
          const [name, value] = array(pair, 'environment');
          return [text(name, 'environment'), text(value, 'environment')];
        }),
      ),
    },
  };
}

function readWish(value: unknown): AccessRequest {
  const { binding, origin } = object(value, 'wish');
  const { kind, target } = object(origin, 'origin');
  return {
    binding: readBinding(binding),
    origin:
      oneOf(kind, ['flags', 'manifest'] as const, 'origin') === 'flags'
        ? { kind: 'flags' }
        : { kind: 'manifest', ...optional(target, 'target', text) },
  };
}

function readBinding(value: unknown): Binding {
  const { reference, delivery } = object(value, 'binding');
  const { name, version } = object(reference, 'reference');
  const read: Reference = {
    name: parseName(text(name, 'name')),
    ...optional(version, 'version', (number, what) => Math.max(1, count(number, what))),
  };
  return { reference: read, delivery: readDelivery(delivery) };
}

function readDelivery(value: unknown): Delivery {
  const { kind, variable } = object(value, 'delivery');
  const known = oneOf(kind, ['env', 'file', 'stdin', 'ask'] as const, 'delivery');
  if (known === 'stdin' || known === 'ask') return { kind: known };
  const name = text(variable, 'variable');
  // Becomes the name of a file as well.
  if (!isVariable(name)) throw wrong('variable');
  return { kind: known, variable: name };
}
