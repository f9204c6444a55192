import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';
import { nameToSet, readValue, valueNotes } from '../value-input.ts';

export async function setSecret(input: CommandInput, context: Context): Promise<Answer> {
  const secret = nameToSet(input);
  const stores = await openStores(input, context);
  const value = await readValue(input, context);
  const notes = valueNotes(value);
  const version = await stores.vault.set(secret, value, {
    beforeCommit: (made) => stores.record({ type: 'secret.set', secret, version: made }),
  });
  value.fill(0);
  stores.close();
  return { json: { name: secret, version }, notes: [...notes, `stored ${secret}, version ${version}`] };
}
