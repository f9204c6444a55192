import { fstatSync, writeSync } from 'node:fs';
import { listSessions, sessionAbove } from '@hasp/broker/session';
import { HaspError, parseVersionedName } from '@hasp/core';
import { controllingTerminal } from '@hasp/process-tree';
import { readVaultHeader } from '@hasp/vault';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { isTerminal } from '../is-terminal.ts';
import { openStores } from '../stores.ts';
import { proveWithPassphrase } from '../unlock.ts';

/** makedev(5, 0) */
const DEV_TTY = 0x500;

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
  checkTerminal(context);
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

/** Keys can be pushed into a person's terminal, and its output be led into an agent's. @throws HaspError E_AGENT_SESSION */
function checkTerminal({ home }: Context): void {
  const sessions = listSessions(home);
  if (sessions.length === 0) return;
  const terminal = controllingTerminal();
  const isOwn = (descriptor: number): boolean => [terminal?.device, DEV_TTY].includes(fstatSync(descriptor).rdev);
  if (terminal && isOwn(0) && isOwn(1) && sessionAbove(terminal.leader, sessions).kind === 'outside') return;
  throw new HaspError(
    'E_AGENT_SESSION',
    'while an agent session lives, a value is shown only on a terminal that is its reader’s own',
    'use a terminal that was opened outside of the session',
  );
}
