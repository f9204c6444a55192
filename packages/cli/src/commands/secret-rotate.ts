import { setScopes } from '@hasp/vault/scopes';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { endedNotes, endGrantsOf } from '../end-grants.ts';
import { wantsPlaceholder } from '../placeholder.ts';
import { scopeNotes, scopesGiven } from '../scopes.ts';
import { openStores } from '../stores.ts';
import { nameToSet, readValue, valueNotes } from '../value-input.ts';
import { erasureNotes } from '../vault-notes.ts';

export async function rotateSecret(input: CommandInput, context: Context): Promise<Answer> {
  const secret = nameToSet(input);
  const forget = input.options.forget === true;
  const placeholder = wantsPlaceholder(input);
  const scopes = scopesGiven(input);
  const stores = await openStores(input, context);
  const value = await readValue(input, context);
  const notes = valueNotes(value, placeholder);
  const version = await stores.vault.rotate(secret, value, {
    forget,
    placeholder,
    beforeCommit: (made) => {
      if (scopes !== undefined) notes.push(...scopeNotes(secret, setScopes(stores.vault, secret, scopes)));
      stores.record({
        type: 'secret.rotated',
        secret,
        version: made,
        forgot: forget,
        ...(placeholder && { placeholder }),
        ...(scopes && { scopes }),
      });
    },
  });
  value.fill(0);
  const erasure = erasureNotes(stores.vault);
  stores.close();
  const ended = await endGrantsOf(context, 'rotated', secret);
  return {
    json: { name: secret, version, placeholder, ...(scopes && { scopes }), forgot: forget, endedGrants: ended.grants },
    notes: [
      ...notes,
      ...erasure,
      ...endedNotes(ended),
      `rotated ${secret}, now version ${version}${placeholder ? ', a placeholder' : ''}`,
    ],
  };
}
