import { setScopes } from '@hasp/vault/scopes';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { wantsPlaceholder } from '../placeholder.ts';
import { scopeNotes, scopesGiven } from '../scopes.ts';
import { openStores } from '../stores.ts';
import { nameToSet, readValue, valueNotes } from '../value-input.ts';

export async function setSecret(input: CommandInput, context: Context): Promise<Answer> {
  const secret = nameToSet(input);
  const placeholder = wantsPlaceholder(input);
  const scopes = scopesGiven(input);
  const stores = await openStores(input, context);
  const value = await readValue(input, context);
  const notes = valueNotes(value, placeholder);
  const version = await stores.vault.set(secret, value, {
    placeholder,
    beforeCommit: (made) => {
      if (scopes !== undefined) notes.push(...scopeNotes(secret, setScopes(stores.vault, secret, scopes)));
      stores.record({
        type: 'secret.set',
        secret,
        version: made,
        ...(placeholder && { placeholder }),
        ...(scopes && { scopes }),
      });
    },
  });
  value.fill(0);
  stores.close();
  return {
    json: { name: secret, version, placeholder, ...(scopes && { scopes }) },
    notes: [...notes, `stored ${secret}, version ${version}${placeholder ? ', a placeholder' : ''}`],
  };
}
