import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { endedNotes, endGrantsOf } from '../end-grants.ts';
import { openStores } from '../stores.ts';
import { nameToSet, readValue, valueNotes } from '../value-input.ts';
import { erasureNotes } from '../vault-notes.ts';

export async function rotateSecret(input: CommandInput, context: Context): Promise<Answer> {
  const secret = nameToSet(input);
  const forget = input.options.forget === true;
  const stores = await openStores(input, context);
  const value = await readValue(input, context);
  const notes = valueNotes(value);
  const version = await stores.vault.rotate(secret, value, {
    forget,
    beforeCommit: (made) => stores.record({ type: 'secret.rotated', secret, version: made, forgot: forget }),
  });
  value.fill(0);
  const erasure = erasureNotes(stores.vault);
  stores.close();
  const ended = await endGrantsOf(context, 'rotated', (grant) => grant.secret === secret);
  return {
    json: { name: secret, version, forgot: forget, endedGrants: ended.grants },
    notes: [...notes, ...erasure, ...endedNotes(ended), `rotated ${secret}, now version ${version}`],
  };
}
