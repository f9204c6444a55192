import { formatVersionedName, parseVersionedName } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { endedNotes, endGrantsOf } from '../end-grants.ts';
import { openStores } from '../stores.ts';
import { erasureNotes } from '../vault-notes.ts';

export async function removeSecret(input: CommandInput, context: Context): Promise<Answer> {
  const reference = parseVersionedName(word(input, 'NAME'));
  const { name: secret, version } = reference;
  const stores = await openStores(input, context);
  stores.vault.remove(secret, version, {
    beforeCommit: () =>
      stores.record({ type: 'secret.removed', secret, ...(version === undefined ? {} : { version }) }),
  });
  const erasure = erasureNotes(stores.vault);
  stores.close();
  const ended = await endGrantsOf(context, 'revoked', secret, version);
  return {
    json: { name: secret, ...(version === undefined ? {} : { version }), removed: true, endedGrants: ended.grants },
    notes: [...erasure, ...endedNotes(ended), `removed ${formatVersionedName(reference)}`],
  };
}
