import { parseName } from '@hasp/core';
import { acceptScopes } from '@hasp/vault/scopes';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';

/** From now on a rule with a scopeCheck takes what the secret can do for what it may do. */
export async function acceptBaseline(input: CommandInput, context: Context): Promise<Answer> {
  const secret = parseName(word(input, 'NAME'));
  const stores = await openStores(input, context);
  const { scopes } = stores.vault.transaction(() => {
    const accepted = acceptScopes(stores.vault, secret);
    stores.record({ type: 'secret.baseline', secret, scopes: accepted.scopes });
    return accepted;
  });
  stores.close();
  return { json: { name: secret, scopes }, notes: [`accepted what ${secret} can do: ${scopes.join(', ')}`] };
}
