import { HaspError } from '@hasp/core';
import { pad, unpad } from './encoding.ts';
import { corrupt, secretMissing } from './failures.ts';
import { decodeHead, scopesName } from './head.ts';
import { textsOf } from './inside.ts';
import type { Vault } from './vault.ts';

/** What a secret can do, as a person has said it, and as it was last accepted; both sorted. */
export interface SecretScopes {
  readonly scopes: readonly string[];
  readonly baseline: readonly string[];
}

/** Undefined where there is no such secret, or nobody has said anything of it. */
export function scopesOf(vault: Vault, secret: string): SecretScopes | undefined {
  const name = nameOf(vault, secret);
  const text = name === undefined ? undefined : textsOf(vault, 'scopes').find(name);
  return text && decodeScopes(text);
}

/** What is said first is accepted with it. @throws HaspError E_SECRET_MISSING */
export function setScopes(vault: Vault, secret: string, said: readonly string[]): SecretScopes {
  return vault.transaction(() => {
    const scopes = [...new Set(said)].sort();
    return put(vault, secret, { scopes, baseline: scopesOf(vault, secret)?.baseline ?? scopes });
  });
}

/** The secret may do what it can do now. @throws HaspError E_SECRET_MISSING, E_USAGE where nothing was said of it */
export function acceptScopes(vault: Vault, secret: string): SecretScopes {
  return vault.transaction(() => {
    const present = scopesOf(vault, secret);
    if (present !== undefined) return put(vault, secret, { scopes: present.scopes, baseline: present.scopes });
    if (nameOf(vault, secret) === undefined) throw secretMissing(secret);
    throw new HaspError(
      'E_USAGE',
      `nobody has said what ${secret} can do`,
      `say it with its value: hasp secret set ${secret} --scopes read,write`,
    );
  });
}

/** What it can do and was not accepted. */
export function newScopes({ scopes, baseline }: SecretScopes): string[] {
  return scopes.filter((scope) => !baseline.includes(scope));
}

/** Whether it can do anything of that. */
export function scopesGrown(vault: Vault, secret: string): boolean {
  const present = scopesOf(vault, secret);
  return present !== undefined && newScopes(present).length > 0;
}

function put(vault: Vault, secret: string, { scopes, baseline }: SecretScopes): SecretScopes {
  const name = nameOf(vault, secret);
  if (name === undefined) throw secretMissing(secret);
  textsOf(vault, 'scopes').put(name, pad(Buffer.from(JSON.stringify({ scopes, baseline }), 'utf8')));
  return { scopes, baseline };
}

function nameOf(vault: Vault, secret: string): string | undefined {
  const head = textsOf(vault, 'secret').find(secret);
  return head && scopesName(decodeHead(head));
}

/** @throws HaspError E_VAULT_CORRUPT */
function decodeScopes(text: Buffer): SecretScopes {
  const bytes = unpad(text);
  if (!bytes) throw corrupt('the scopes of a secret have a wrong length');
  return JSON.parse(bytes.toString('utf8')) as SecretScopes;
}
