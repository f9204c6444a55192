import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';

/** For what only a person may do. @throws HaspError E_AGENT_SESSION */
export function refuseAgents({ environment }: Context, deed: string, hint: string): void {
  if (environment.has('HASP_SESSION')) {
    throw new HaspError('E_AGENT_SESSION', `${deed} is refused inside an agent session`, hint);
  }
}
