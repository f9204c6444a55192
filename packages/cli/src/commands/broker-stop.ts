import { existsSync } from 'node:fs';
import { readFacts } from '@hasp/broker/daemon';
import { HaspError } from '@hasp/core';
import { noBroker, tellBroker } from '../broker-line.ts';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';

const PATIENCE_MS = 15_000;
const STEP_MS = 5;

/** Asks the broker to end, and waits until its socket is gone. Live runs go on, and end their own grants; what they fetched through it has ended. */
export async function stopBroker(_input: CommandInput, context: Context): Promise<Answer> {
  const status = await tellBroker(context, { stop: {} });
  if (status === undefined) throw noBroker();
  const isThere = (): boolean => existsSync(context.home.brokerSocket) || readFacts(context.home)?.pid === status.pid;
  for (const end = performance.now() + PATIENCE_MS; isThere(); ) {
    if (performance.now() > end) {
      throw new HaspError('E_BROKER_UNREACHABLE', `broker ${status.pid} does not end`, `kill ${status.pid}`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return { json: { stopped: status.pid }, notes: [`broker ${status.pid} has stopped`] };
}
