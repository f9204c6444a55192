import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';
import { table } from '../table.ts';

export async function listSecrets(input: CommandInput, context: Context): Promise<Answer> {
  const stores = await openStores(input, context);
  const secrets = stores.vault.list();
  stores.close();
  return {
    json: { secrets: secrets },
    text: table(
      ['NAME', 'VERSION', 'UPDATED', ''],
      secrets.map(({ name, version, updatedAt, placeholder }) => [
        name,
        String(version),
        updatedAt,
        placeholder ? 'placeholder' : '',
      ]),
    ),
    notes: secrets.length === 0 ? ['the vault is empty; store a value: hasp secret set NAME'] : [],
  };
}
