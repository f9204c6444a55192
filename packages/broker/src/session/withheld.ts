import { createHmac } from 'node:crypto';
import type { Random } from '@hasp/core';
import type { Vault } from '@hasp/vault';
import { RecordTexts } from '../record-texts.ts';
import { environmentIn, type SessionRequest } from './session-request.ts';

/** What may be written down of a session, and what its environment may not have. No value gets out. */
export interface CheckedAgainstVault {
  readonly command: readonly string[];
  readonly cwd: string;
  /** Variables whose value is one of the vault's. */
  readonly withheld: readonly string[];
}

export function checkAgainstVault(
  vault: Vault,
  { command, cwd }: Pick<SessionRequest, 'command' | 'cwd'>,
  environment: Buffer,
  random: Random,
): CheckedAgainstVault {
  const managed = vault.everyValue();
  let texts: RecordTexts | undefined;
  try {
    const named = managed.map(({ name, value }) => ({ name, bytes: value.reveal() }));
    texts = new RecordTexts(named);
    const values = named.map(({ bytes }) => bytes);
    return {
      command: texts.command(command),
      cwd: texts.text(cwd),
      withheld: withheldFrom(environment, values, random),
    };
  } finally {
    texts?.wipe();
    for (const { value } of managed) value.wipe();
  }
}

/**
 * Each value is looked at by its digest under a key of the moment, so that it takes as long for a variable that is
 * withheld as for one that is not.
 */
function withheldFrom(environment: Buffer, values: readonly Uint8Array[], random: Random): string[] {
  const key = random(32);
  const digest = (bytes: Uint8Array): string => createHmac('sha256', key).update(bytes).digest('base64');
  const managed = new Set(values.map(digest));
  const found: string[] = [];
  // An empty value is no secret, whoever stored it.
  for (const { name, value } of environmentIn(environment)) {
    if (managed.has(digest(value)) && value.length > 0) found.push(name);
  }
  return found;
}
