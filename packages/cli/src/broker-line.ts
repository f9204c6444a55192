import type { DaemonStatus } from '@hasp/broker/daemon';
import { Link } from '@hasp/broker/remote';
import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';

/** One question to the broker that runs; undefined where none does. @throws HaspError as it refuses */
export async function tellBroker<T = DaemonStatus>(
  context: Context,
  message: object,
  bytes?: Uint8Array,
): Promise<T | undefined> {
  const opened = await Link.open(context.home.brokerSocket);
  if (opened === undefined) return undefined;
  try {
    const { ok } = await opened.link.ask(message, bytes);
    return ok as unknown as T;
  } finally {
    opened.link.close();
  }
}

export function noBroker(): HaspError {
  return new HaspError('E_BROKER_UNREACHABLE', 'no broker runs', 'start one: hasp unlock, or hasp broker start');
}
