import { parseAgentName } from '@hasp/core/rules';
import { Agents } from '@hasp/vault/agents';
import { refuseAgents } from '../agent-session.ts';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';

export async function revokeAgent(input: CommandInput, context: Context): Promise<Answer> {
  const name = parseAgentName(word(input, 'NAME'));
  refuseAgents(context, 'to revoke an agent', 'ask a person to do it');
  const stores = await openStores(input, context);
  const agents = new Agents(stores.vault, context);
  const { tokenId } = stores.vault.transaction(() => {
    const revoked = agents.revoke(name);
    stores.record({ type: 'agent.revoked', agent: name, tokenId: revoked.tokenId });
    return revoked;
  });
  stores.close();
  return { json: { name, tokenId, revoked: true }, notes: [`revoked ${name}: its token is refused from now on`] };
}
