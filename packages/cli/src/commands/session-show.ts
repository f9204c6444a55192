import { listSessions, type SessionState, sessionDocument } from '@hasp/broker/session';
import { HaspError } from '@hasp/core';
import { listTree } from '@hasp/process-tree';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { printable } from '../output.ts';
import { isVisible } from '../session-visible.ts';
import { LockedHome } from '../stores.ts';

export async function showSession(input: CommandInput, context: Context): Promise<Answer> {
  await LockedHome.enter(context);
  const state = requireSession(context, word(input, 'ID'));
  const shown = sessionDocument(context.home, state);
  const tree = await listTree(state.wrapper.pid);
  const lines = [
    `${shown.id}  ${shown.agent}  since ${shown.startedAt}${shown.expiresAt === undefined ? '' : `, until ${shown.expiresAt}`}`,
    `  [${shown.command.join(' ')}]  in ${shown.cwd}`,
    ...(shown.keyExposed ? ['  the agent can get at the key of the vault'] : []),
    `  grants: ${shown.grants.join(', ') || 'none'}`,
    ...tree.map(({ pid, command }) => `  ${command} (${pid})`),
  ];
  return {
    json: { ...shown, tree: tree.map(({ pid, ppid, command }) => ({ pid, ppid, command })) },
    text: lines.map((line) => printable(line)).join('\n'),
  };
}

/** @throws HaspError E_SESSION_MISSING */
export function requireSession({ home, inside }: Context, id: string): SessionState {
  const state = listSessions(home).find(({ session }) => session === id && isVisible(inside, session));
  if (state !== undefined) return state;
  throw new HaspError('E_SESSION_MISSING', 'no such session is live', 'see hasp session list');
}
