import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { wantsPlaceholder } from '../placeholder.ts';
import { openStores } from '../stores.ts';
import { nameToSet, readValue, valueNotes } from '../value-input.ts';

export async function setSecret(input: CommandInput, context: Context): Promise<Answer> {
  const secret = nameToSet(input);
  const placeholder = wantsPlaceholder(input, context);
  const stores = await openStores(input, context);
  const value = await readValue(input, context);
  const notes = valueNotes(value, placeholder);
  const version = await stores.vault.set(secret, value, {
    placeholder,
    beforeCommit: (made) =>
      stores.record({ type: 'secret.set', secret, version: made, ...(placeholder && { placeholder }) }),
  });
  value.fill(0);
  stores.close();
  return {
    json: { name: secret, version, placeholder },
    notes: [...notes, `stored ${secret}, version ${version}${placeholder ? ', a placeholder' : ''}`],
  };
}
