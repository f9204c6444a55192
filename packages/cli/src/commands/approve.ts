import type { Approval } from '@hasp/broker/daemon';
import { HaspError } from '@hasp/core';
import { noBroker, tellBroker } from '../broker-line.ts';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { printable } from '../output.ts';

/** Says yes or no to what an agent waits for; without a request, lists what waits. */
export async function approve(input: CommandInput, context: Context): Promise<Answer> {
  const id = word(input, '[REQUEST]');
  if (id === '') {
    if (input.options.deny === true) throw new HaspError('E_USAGE', 'name the request to deny', 'see hasp approve');
    return listWaiting(context);
  }
  const approved = input.options.deny !== true;
  if ((await tellBroker(context, { approve: { id, approved } })) === undefined) throw noBroker();
  return { json: { request: id, approved }, notes: [`${approved ? 'approved' : 'denied'} ${id}`] };
}

async function listWaiting(context: Context): Promise<Answer> {
  const answer = await tellBroker<{ waiting: readonly Approval[] }>(context, { waiting: {} });
  if (answer === undefined) throw noBroker();
  const lines = answer.waiting.map(({ id, agent, secret, rule, command, reason }) => {
    const more = [command === undefined ? '' : `  [${command}]`, reason === undefined ? '' : `  ${reason}`].join('');
    return printable(`${id}  ${agent}  ${secret}  (rule ${rule})${more}`);
  });
  return {
    json: { requests: answer.waiting },
    text: lines.join('\n'),
    notes: lines.length === 0 ? ['nothing waits'] : [`yes: hasp approve ${answer.waiting[0]?.id}; no: add --deny`],
  };
}
