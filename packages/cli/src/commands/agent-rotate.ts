import { parseAgentName } from '@hasp/core/rules';
import { Agents } from '@hasp/vault/agents';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';

export async function rotateAgent(input: CommandInput, context: Context): Promise<Answer> {
  const name = parseAgentName(word(input, 'NAME'));
  const stores = await openStores(input, context);
  const agents = new Agents(stores.vault, context);
  const { agent, token } = stores.vault.transaction(() => {
    const rotated = agents.rotate(name);
    const { tokenId, expiresAt } = rotated.agent;
    stores.record({ type: 'agent.rotated', agent: name, tokenId, ...(expiresAt === undefined ? {} : { expiresAt }) });
    return rotated;
  });
  stores.close();
  return {
    json: { ...agent, token },
    text: token,
    notes: [`the old token of ${name} is refused from now on; keep the new one, it is not shown again`],
  };
}
