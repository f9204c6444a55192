import { Agents } from '@hasp/vault/agents';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';
import { table } from '../table.ts';

export async function listAgents(input: CommandInput, context: Context): Promise<Answer> {
  const stores = await openStores(input, context);
  const agents = new Agents(stores.vault, context).list().map((agent) => ({
    ...agent,
    expired: agent.expiresAt !== undefined && Date.parse(agent.expiresAt) <= context.clock(),
  }));
  stores.close();
  return {
    json: { agents },
    text: table(
      ['NAME', 'TOKEN', 'CREATED', 'EXPIRES', 'LAST USED'],
      agents.map(({ name, tokenId, createdAt, rotatedAt, expiresAt, expired, lastUsedAt }) => [
        name,
        tokenId,
        rotatedAt ?? createdAt,
        expiresAt === undefined ? 'never' : expired ? `${expiresAt} (over)` : expiresAt,
        lastUsedAt ?? 'never',
      ]),
    ),
    notes: agents.length === 0 ? ['no agent has a token; make one known: hasp agent add NAME'] : [],
  };
}
