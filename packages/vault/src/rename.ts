import { HaspError, parseName } from '@hasp/core';
import { secretMissing } from './failures.ts';
import { decodeHead, encodeHead, type Head, newest } from './head.ts';
import { INSIDE } from './inside.ts';
import { sodiumCipher } from './sodium.ts';
import type { ChangeOptions, Vault } from './vault.ts';

/** Every version is sealed anew under the new name. @throws HaspError E_SECRET_MISSING, E_EXISTS, E_NAME_INVALID */
export async function renameSecret(vault: Vault, from: string, to: string, options: ChangeOptions = {}): Promise<void> {
  parseName(to);
  const cipher = await sodiumCipher();
  const { entries, versions, random, mustErase } = vault[INSIDE];
  vault.transaction(() => {
    const text = entries.find('secret', from);
    if (!text) throw secretMissing(from);
    if (entries.find('secret', to)) throw secretExists(to);
    const head = decodeHead(text);
    const renamed: Head = { ...head, name: to };
    for (const { version } of head.versions) {
      const value = versions.read(head, version);
      versions.remove(head, version);
      versions.add(renamed, version, value, cipher, random);
      value.fill(0);
    }
    entries.remove('secret', from, random);
    entries.put('secret', to, encodeHead(renamed), random);
    mustErase();
    options.beforeCommit?.(newest(head).version);
  });
}

function secretExists(name: string): HaspError {
  return new HaspError(
    'E_EXISTS',
    `there is already a secret named ${name}`,
    `remove it first with: hasp secret rm ${name}`,
  );
}
