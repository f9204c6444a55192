import { listSessions, sessionDocument } from '@hasp/broker/session';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { isVisible } from '../session-visible.ts';
import { LockedHome } from '../stores.ts';
import { table } from '../table.ts';

/** Needs no key. Inside a session: that one. */
export async function showSessions(_input: CommandInput, context: Context): Promise<Answer> {
  await LockedHome.enter(context);
  const sessions = listSessions(context.home)
    .filter(({ session }) => isVisible(context.inside, session))
    .map((state) => sessionDocument(context.home, state));
  return {
    json: { sessions },
    text: table(
      ['ID', 'AGENT', 'SINCE', 'GRANTS', 'COMMAND'],
      sessions.map(({ id, agent, startedAt, grants, command }) => [
        id,
        agent,
        startedAt,
        String(grants.length),
        command.join(' '),
      ]),
    ),
    notes: sessions.length === 0 ? ['no session is live; start one: hasp session start -- COMMAND'] : [],
  };
}
