import { noBroker, tellBroker } from '../broker-line.ts';
import { brokerText, liveText } from '../broker-text.ts';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';

/** Of the broker that runs. @throws HaspError E_BROKER_UNREACHABLE where none does */
export async function brokerStatus(_input: CommandInput, context: Context): Promise<Answer> {
  const status = await tellBroker(context, { status: {} });
  if (status === undefined) throw noBroker();
  return { json: status, text: `${brokerText(status)}\n${liveText(status)}` };
}
