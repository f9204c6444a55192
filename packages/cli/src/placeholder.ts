import { refuseAgents } from './agent-session.ts';
import type { CommandInput } from './command.ts';
import type { Context } from './context.ts';

export const PLACEHOLDER_OPTION = {
  placeholder: { kind: 'flag', says: 'the value is no secret: do not mask it or look for it' },
} as const;

/** Whether the new value is to be one. @throws HaspError E_AGENT_SESSION */
export function wantsPlaceholder(input: CommandInput, context: Context): boolean {
  const wanted = input.options.placeholder === true;
  if (wanted) refusePlaceholders(context);
  return wanted;
}

/** What nobody looks for, an agent could let out. @throws HaspError E_AGENT_SESSION */
export function refusePlaceholders(context: Context): void {
  refuseAgents(context, 'to mark a value as a placeholder', 'ask a person to do it');
}
