import { noBroker, tellBroker } from '../broker-line.ts';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';

/** Lets the broker read its policy again. @throws HaspError E_POLICY_INVALID: then it keeps the rules it has */
export async function reloadBroker(_input: CommandInput, context: Context): Promise<Answer> {
  const status = await tellBroker(context, { reload: {} });
  if (status === undefined) throw noBroker();
  return { json: status, notes: ['reloaded'] };
}
