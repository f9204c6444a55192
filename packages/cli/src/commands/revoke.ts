import { HaspError } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { endGrantsOf } from '../end-grants.ts';
import { LockedHome } from '../stores.ts';

/** Ends grants now. A value in an environment can't be recalled, so the whole tree that holds it ends. */
export async function revoke(input: CommandInput, context: Context): Promise<Answer> {
  const which = word(input, '[GRANT]');
  const all = input.options.all === true;
  if (all === (which !== '')) throw new HaspError('E_USAGE', 'name a grant, or say --all', 'see hasp grants');
  await LockedHome.enter(context);
  const ended = await endGrantsOf(context, 'revoked', (grant, run) => all || grant.id === which || run.run === which);
  if (ended.runs.length === 0 && !all)
    throw new HaspError('E_GRANT_MISSING', 'no such grant is live', 'see hasp grants');
  const count = ended.grants.length === 1 ? '1 grant' : `${ended.grants.length} grants`;
  return {
    json: { revoked: ended.grants },
    notes: [`ended ${count} of ${ended.runs.length === 1 ? '1 run' : `${ended.runs.length} runs`}`],
  };
}
