import { HaspError, parseName } from '@hasp/core';
import { newScopes, type SecretScopes, scopesOf } from '@hasp/vault/scopes';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { openStores } from '../stores.ts';
import { table } from '../table.ts';

export async function showSecret(input: CommandInput, context: Context): Promise<Answer> {
  const name = parseName(word(input, 'NAME'));
  const stores = await openStores(input, context);
  const versions = stores.vault.history(name);
  const scopes = scopesOf(stores.vault, name);
  stores.close();
  const newest = versions.reduce((best, entry) => (entry.version > best.version ? entry : best), {
    version: 0,
    createdAt: '',
    placeholder: false,
  });
  if (newest.version === 0)
    throw new HaspError('E_SECRET_MISSING', `the vault has no secret ${name}`, 'see hasp secret list');
  return {
    json: {
      name,
      reference: `hasp://${name}`,
      version: newest.version,
      updatedAt: newest.createdAt,
      placeholder: newest.placeholder,
      ...(scopes && { scopes: scopes.scopes, baseline: scopes.baseline }),
      versions,
    },
    text: table(
      ['NAME', 'REFERENCE', 'VERSION', 'UPDATED', 'VERSIONS KEPT', 'CAN DO', ''],
      [
        [
          name,
          `hasp://${name}`,
          String(newest.version),
          newest.createdAt,
          String(versions.length),
          scopes === undefined ? '' : scopeText(scopes),
          newest.placeholder ? 'placeholder' : '',
        ],
      ],
    ),
  };
}

/** `repo:read, repo:write (new)` */
function scopeText(present: SecretScopes): string {
  const grown = newScopes(present);
  return present.scopes.map((scope) => (grown.includes(scope) ? `${scope} (new)` : scope)).join(', ');
}
