import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Link } from '@hasp/broker/remote';
import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';
import type { GlobalInput } from './input.ts';

/**
 * A line to a broker that is unlocked. Where there is none, another hasp starts and unlocks one, as `hasp unlock`
 * does: so the key is never in this process, and the broker is not of its tree.
 * @returns the exit status of that hasp where it failed; it has said why
 * @throws HaspError E_BROKER_UNREACHABLE, E_VAULT_LOCKED
 */
export async function openSessionBroker(input: GlobalInput, context: Context): Promise<Link | number> {
  const first = await unlockedLink(context);
  if (first instanceof Link) return first;
  // What a person may do is not done for an agent.
  if (context.inside !== undefined) throw first;
  const status = unlock(input, context);
  if (status !== 0) return status;
  const second = await unlockedLink(context);
  if (second instanceof Link) return second;
  throw second;
}

async function unlockedLink({ home }: Context): Promise<Link | HaspError> {
  const opened = await Link.open(home.brokerSocket);
  if (opened === undefined)
    return new HaspError('E_BROKER_UNREACHABLE', 'no broker runs', 'let a person start one: hasp unlock');
  if (opened.isUnlocked) return opened.link;
  opened.link.close();
  return new HaspError('E_VAULT_LOCKED', 'the broker is locked', 'let a person unlock it: hasp unlock');
}

function unlock({ keyFile, passphraseFd, json }: GlobalInput, { environment, cwd }: Context): number {
  const argv = [
    'unlock',
    ...(keyFile === undefined ? [] : [`--key-file=${keyFile}`]),
    ...(passphraseFd === undefined ? [] : [`--passphrase-fd=${passphraseFd}`]),
    ...(json ? ['--json'] : []),
  ];
  const last = Math.max(2, passphraseFd ?? 0);
  const stdio = Array.from({ length: last + 1 }, (_, descriptor) =>
    descriptor === 2 || descriptor === passphraseFd ? descriptor : 'ignore',
  );
  const hasp = path.join(__dirname, '../bin/hasp');
  const { status, error } = spawnSync(hasp, argv, { cwd, env: Object.fromEntries(environment), stdio });
  if (error !== undefined)
    throw new HaspError('E_BROKER_UNREACHABLE', 'no broker could be started', 'start one: hasp unlock');
  return status ?? 1;
}
