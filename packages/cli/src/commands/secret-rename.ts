import { HaspError, parseName } from '@hasp/core';
import { renameSecret } from '@hasp/vault';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';
import { erasureNotes } from '../vault-notes.ts';

export async function rename(input: CommandInput, context: Context): Promise<Answer> {
  const secret = parseName(word(input, 'NAME'));
  const to = parseName(word(input, 'TO'));
  if (secret === to) throw new HaspError('E_USAGE', 'the two names are the same', 'name another one');
  const stores = await openStores(input, context);
  await renameSecret(stores.vault, secret, to, {
    beforeCommit: () => stores.record({ type: 'secret.renamed', secret, to }),
  });
  const erasure = erasureNotes(stores.vault);
  stores.close();
  return { json: { name: to, renamedFrom: secret }, notes: [...erasure, `renamed ${secret} to ${to}`] };
}
