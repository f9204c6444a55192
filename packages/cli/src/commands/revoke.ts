import { HaspError } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { counted } from '../counted.ts';
import { type Ended, endEverything } from '../end-everything.ts';
import { refuseInside } from '../session-place.ts';
import { LockedHome } from '../stores.ts';

/** Ends grants now. A value in an environment can't be recalled, so the whole tree that holds it ends. */
export async function revoke(input: CommandInput, context: Context): Promise<Answer> {
  const which = word(input, '[GRANT|SESSION|AGENT]');
  const all = input.options.all === true;
  if (all === (which !== ''))
    throw new HaspError('E_USAGE', 'name a grant, session or agent, or say --all', 'see hasp grants');
  if (all) refuseInside(context, 'hasp revoke --all');
  await LockedHome.enter(context);
  const ended = await endEverything(context, all ? { all } : { which });
  const isNothing = ended.runs.length + ended.sessions.length + ended.withdrawn === 0;
  if (isNothing && !all)
    throw new HaspError(
      'E_GRANT_MISSING',
      'no grant, session or agent of that name is live',
      'see hasp grants, hasp session list',
    );
  const { grants: revoked, sessions, withdrawn } = ended;
  return { json: { revoked, sessions, withdrawn }, notes: [noteOf(ended)] };
}

function noteOf({ runs, grants, sessions, withdrawn }: Ended): string {
  const within = sessions.length === 0 ? '' : `, and ${counted(sessions.length, 'session')}`;
  const waiting = withdrawn === 0 ? '' : `, and said no to ${counted(withdrawn, 'waiting request')}`;
  return `ended ${counted(grants.length, 'grant')} of ${counted(runs.length, 'run')}${within}${waiting}`;
}
