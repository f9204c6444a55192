import { HaspError, parseDuration } from '@hasp/core';
import { parseAgentName } from '@hasp/core/rules';
import { Agents } from '@hasp/vault/agents';
import { type Answer, type CommandInput, textOption, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';

/** The token is the answer: it stands nowhere else. */
export async function addAgent(input: CommandInput, context: Context): Promise<Answer> {
  const name = parseAgentName(word(input, 'NAME'));
  const ttl = textOption(input, 'ttl');
  const ttlMs = ttl === undefined ? undefined : positiveDuration(ttl);
  const stores = await openStores(input, context);
  const agents = new Agents(stores.vault, context);
  const { agent, token } = stores.vault.transaction(() => {
    const added = agents.add(name, ttlMs);
    const { tokenId, expiresAt } = added.agent;
    stores.record({ type: 'agent.added', agent: name, tokenId, ...(expiresAt === undefined ? {} : { expiresAt }) });
    return added;
  });
  stores.close();
  return {
    json: { ...agent, token },
    text: token,
    notes: [`added ${name}; keep its token, it is not shown again`],
  };
}

function positiveDuration(text: string): number {
  const ttlMs = parseDuration(text);
  if (ttlMs > 0) return ttlMs;
  throw new HaspError('E_USAGE', '--ttl is no time at all', 'for example --ttl 90d');
}
