import { parseVersionedName } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { refuseInside } from '../session-place.ts';
import { openStores } from '../stores.ts';

export async function markPlaceholder(input: CommandInput, context: Context): Promise<Answer> {
  const reference = parseVersionedName(word(input, 'NAME'));
  const secret = reference.name;
  const placeholder = input.options.off !== true;
  // What nobody looks for, an agent could let out.
  if (placeholder) refuseInside(context, 'to mark a value as a placeholder');
  const stores = await openStores(input, context);
  const version = stores.vault.setPlaceholder(reference, placeholder, {
    beforeCommit: (marked) => stores.record({ type: 'secret.marked', secret, version: marked, placeholder }),
  });
  stores.close();
  const said = placeholder
    ? 'is a placeholder: it is not masked, and not looked for'
    : 'is a secret: it is masked and looked for';
  return { json: { name: secret, version, placeholder }, notes: [`${secret}@${version} ${said}`] };
}
