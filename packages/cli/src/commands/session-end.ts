import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { endEverything } from '../end-everything.ts';
import { LockedHome } from '../stores.ts';
import { requireSession } from './session-show.ts';

export async function endSessionNow(input: CommandInput, context: Context): Promise<Answer> {
  await LockedHome.enter(context);
  const { session } = requireSession(context, word(input, 'ID'));
  const { sessions, grants } = await endEverything(context, { which: session, reason: 'session-ended' });
  return { json: { ended: sessions, grants }, notes: [`ended session ${session}`] };
}
