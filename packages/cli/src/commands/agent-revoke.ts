import { parseAgentName } from '@hasp/core/rules';
import { Agents } from '@hasp/vault/agents';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { endEverything } from '../end-everything.ts';
import { openStores } from '../stores.ts';

export async function revokeAgent(input: CommandInput, context: Context): Promise<Answer> {
  const name = parseAgentName(word(input, 'NAME'));
  const stores = await openStores(input, context);
  const agents = new Agents(stores.vault, context);
  const { tokenId } = stores.vault.transaction(() => {
    const revoked = agents.revoke(name);
    stores.record({ type: 'agent.revoked', agent: name, tokenId: revoked.tokenId });
    return revoked;
  });
  stores.close();
  // What it has open ends as well.
  const { sessions, grants } = await endEverything(context, { which: name });
  return {
    json: { name, tokenId, revoked: true },
    notes: [
      `revoked ${name}: its token is refused from now on`,
      ...(sessions.length + grants.length === 0
        ? []
        : [`ended what it had open: ${[...sessions, ...grants].join(', ')}`]),
    ],
  };
}
