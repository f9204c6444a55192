import { writeSync } from 'node:fs';
import { HaspError, parseVersionedName } from '@hasp/core';
import { readVaultHeader } from '@hasp/vault';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { isTerminal } from '../is-terminal.ts';
import { openStores } from '../stores.ts';
import { proveWithPassphrase } from '../unlock.ts';

/** To a person at a terminal, who proves it with the passphrase, whatever else could unlock. */
export async function revealSecret(input: CommandInput, context: Context): Promise<Answer> {
  const reference = parseVersionedName(word(input, 'NAME'));
  if (!isTerminal(0) || !isTerminal(1)) {
    throw new HaspError(
      'E_DENIED',
      'a value is shown to a person at a terminal only',
      'a program gets it by hasp run -e VAR=hasp://NAME -- COMMAND',
    );
  }
  const asksAnyway = input.passphraseFd === undefined && input.keyFile === undefined;
  if (readVaultHeader(context.home).keySource === 'passphrase' && !asksAnyway) await proveWithPassphrase(context);
  const stores = await openStores(input, context);
  const { version, value } = stores.vault.get(reference);
  stores.record({ type: 'secret.revealed', secret: reference.name, version });
  writeSync(1, value.reveal());
  writeSync(1, '\n');
  value.wipe();
  stores.close();
  return {};
}
