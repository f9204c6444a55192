import { tellBroker } from '../broker-line.ts';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';

/** Takes the key out of the broker's memory. Without a broker nothing is unlocked, so that is done too. */
export async function lock(_input: CommandInput, context: Context): Promise<Answer> {
  const status = await tellBroker(context, { lock: {} });
  const note = status === undefined ? 'no broker runs: nothing is unlocked' : 'locked';
  return { json: { locked: true, broker: status?.pid ?? null }, notes: [note] };
}
