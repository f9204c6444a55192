import { HaspError } from '@hasp/core';
import { newScopes, type SecretScopes } from '@hasp/vault/scopes';
import { type CommandInput, textOption } from './command.ts';

export const SCOPES_OPTION = {
  scopes: { kind: 'text', says: 'A,B: what the secret can do, for rules with a scopeCheck' },
} as const;

const SCOPE = /^[\x21-\x2b\x2d-\x7e]{1,128}$/;
const MOST = 100;

/** As a person says it; undefined where nothing was said. @throws HaspError E_USAGE */
export function scopesGiven(input: CommandInput): string[] | undefined {
  const text = textOption(input, 'scopes');
  if (text === undefined) return undefined;
  const scopes = text.split(',').map((scope) => scope.trim());
  if (scopes.length <= MOST && scopes.every((scope) => SCOPE.test(scope))) return [...new Set(scopes)].sort();
  throw new HaspError(
    'E_USAGE',
    'not a list of scopes',
    `words with commas between, ${MOST} at most: --scopes repo:read,repo:status`,
  );
}

/** What a person should know of them. */
export function scopeNotes(secret: string, present: SecretScopes | undefined): string[] {
  const grown = present === undefined ? [] : newScopes(present);
  if (grown.length === 0) return [];
  return [
    `${secret} can do more than was accepted: ${grown.join(', ')}; accept it with: hasp secret baseline ${secret}`,
  ];
}
