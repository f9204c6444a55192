import { HaspError, isName } from '@hasp/core';

/** What the vault holds is not what hasp wrote there. @param what names the part, never its content. */
export function corrupt(what: string): HaspError {
  return new HaspError(
    'E_VAULT_CORRUPT',
    `the vault is damaged: ${what}`,
    'restore it from a backup; nothing was changed',
  );
}

/** The key does not open this vault. */
export function wrongKey(message: string, hint?: string): HaspError {
  return new HaspError('E_WRONG_KEY', message, hint);
}

/** There is no such secret, or it has no such version. */
export function secretMissing(name: string, version?: number): HaspError {
  // What is no name may be a value, pasted into the wrong place.
  if (!isName(name)) return new HaspError('E_SECRET_MISSING', 'no secret of that name');
  if (version === undefined) {
    return new HaspError('E_SECRET_MISSING', `no secret named ${name}`, `add it with: hasp secret set ${name}`);
  }
  return new HaspError(
    'E_SECRET_MISSING',
    `secret ${name} has no version ${version}`,
    `see its versions with: hasp secret history ${name}`,
  );
}
