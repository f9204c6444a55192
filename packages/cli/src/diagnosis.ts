import { existsSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import { MIN_VALUE_BYTES } from '@hasp/match';
import { hardenSelf } from '@hasp/process-tree';
import { readVaultHeader, type Vault, type VaultHeader } from '@hasp/vault';
import type { Context } from './context.ts';
import { counted } from './counted.ts';
import { checkHome } from './home-guard.ts';
import type { GlobalInput } from './input.ts';
import { isKeyExposed } from './key-exposed.ts';
import { asHaspError } from './output.ts';
import { LockedHome } from './stores.ts';
import { readPassphrase, unlock } from './unlock.ts';
import { verifyWhole } from './verified-log.ts';

/** One thing that was looked at, and what to do if it is not well. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly hint?: string;
  /** Exit status that this problem means elsewhere. */
  readonly status?: number;
}

const OLDEST_NODE = 20;

export function nodeCheck(): Check {
  const { node } = process.versions;
  const old = Number(node.split('.')[0]) < OLDEST_NODE;
  return {
    name: 'node',
    state: old ? 'problem' : 'ok',
    detail: node,
    ...(old ? { hint: 'install Node 20, 22 or 24', status: 1 } : {}),
  };
}

export function homeChecks({ home, uid }: Context): Check[] {
  try {
    checkHome(home, uid);
  } catch (error) {
    return [problem('home', asHaspError(error))];
  }
  if (existsSync(home.vault)) return [{ name: 'home', state: 'ok', detail: `${home.root}, private` }];
  return [
    { name: 'home', state: 'problem', detail: `no vault in ${home.root}`, hint: 'make one: hasp init', status: 4 },
  ];
}

/** Opens the vault if it can be opened without asking anyone more than once. */
export async function vaultCheck(
  input: GlobalInput,
  context: Context,
): Promise<{ check: Check; open: Vault | undefined }> {
  try {
    const open = await unlock(input, context, readPassphrase);
    const secrets = open.list();
    const namesOf = (some: typeof secrets) => some.map(({ name }) => name).join(', ');
    const short = secrets.filter(({ name, placeholder }) => !placeholder && isShort(open, name));
    const placeholders = secrets.filter(({ placeholder }) => placeholder);
    const opens = `${counted(secrets.length, 'secret')}, opens`;
    const detail =
      placeholders.length === 0 ? opens : `${opens}; placeholders, which are not looked for: ${namesOf(placeholders)}`;
    const way = isKeyExposed(input, context) ? { hint: keyExposed(context) } : {};
    if (short.length === 0) return { open, check: { name: 'vault', state: 'ok', detail, ...way } };
    const hint = `under ${MIN_VALUE_BYTES} bytes, so not masked in output: ${namesOf(short)}`;
    return { open, check: { name: 'vault', state: 'warning', detail, hint } };
  } catch (error) {
    const fault = asHaspError(error);
    if (fault.code !== 'E_VAULT_LOCKED') return { open: undefined, check: problem('vault', fault) };
    return {
      open: undefined,
      check: {
        name: 'vault',
        state: 'warning',
        detail: 'locked: not looked into',
        ...(fault.hint === undefined ? {} : { hint: fault.hint }),
      },
    };
  }
}

/** What a session says of it at its start, with the way out. */
function keyExposed({ home }: Context): string {
  const key =
    readVaultHeader(home).keySource === 'keyring'
      ? 'the keyring gives its key to every process of your login'
      : 'its key file can be read by every process of yours';
  return `${key}, an agent too; to keep values from agents, make a vault with a passphrase: HASP_HOME=… hasp init`;
}

/** Only for the kind of key that is not with the person who asks. */
export async function keyringCheck(context: Context): Promise<Check[]> {
  const header = headerOf(context);
  if (header?.keySource !== 'keyring') return [];
  const { askKeyring } = await import('./keyring/vault-key.ts');
  try {
    const state = await askKeyring(context, header.id);
    return [
      state === 'open'
        ? { name: 'keyring', state: 'ok', detail: 'answers, and has the key of the vault' }
        : { name: 'keyring', state: 'warning', detail: 'has the key of the vault, and is locked', hint: 'unlock it' },
    ];
  } catch (error) {
    return [problem('keyring', asHaspError(error))];
  }
}

/** One that can't be read is said where the vault is. */
function headerOf({ home }: Context): VaultHeader | undefined {
  try {
    return readVaultHeader(home);
  } catch {
    return undefined;
  }
}

function isShort(vault: Vault, name: string): boolean {
  const { value } = vault.get({ name });
  const short = value.length < MIN_VALUE_BYTES;
  value.wipe();
  return short;
}

export function logCheck(context: Context, vault: Vault | undefined): Check {
  if (vault === undefined) return { name: 'log', state: 'warning', detail: 'not verified: that needs the vault open' };
  const { problem: broken, records } = verifyWhole(vault, context);
  if (broken === undefined) return { name: 'log', state: 'ok', detail: `${records} records verify` };
  return problem(
    'log',
    new HaspError(
      'E_CHAIN_BROKEN',
      `broken at record ${broken.seq}: ${broken.message}`,
      'hasp audit verify says more, hasp audit recover goes on from there',
    ),
  );
}

/** Ends what killed wrappers left, as every hasp does. */
export async function runsCheck(context: Context): Promise<Check> {
  try {
    await LockedHome.enter(context);
    return { name: 'runs', state: 'ok', detail: 'no run is without its wrapper' };
  } catch (error) {
    return problem('runs', asHaspError(error));
  }
}

export function trackingCheck(): Check {
  const { tracking, undumpable } = hardenSelf();
  if (tracking === 'full' && undumpable)
    return { name: 'tracking', state: 'ok', detail: 'full: the kernel tells of every descendant (subreaper)' };
  return {
    name: 'tracking',
    state: 'warning',
    detail: 'best effort: descendants are looked for now and then, and one may be lost',
    hint: 'on Linux, install the optional package koffi',
  };
}

/** What in the environment could have made Node run foreign code or slowly; the child gets it back. */
export function surroundingsCheck({ inherited: { neutralised } }: Context): Check {
  const detail =
    neutralised.length === 0
      ? 'nothing had to be kept away from hasp'
      : `kept away from hasp, given to the child: ${neutralised.join(', ')}`;
  return { name: 'launch', state: 'ok', detail };
}

function problem(name: string, { message, hint, exitStatus }: HaspError): Check {
  return { name, state: 'problem', detail: message, ...(hint === undefined ? {} : { hint }), status: exitStatus };
}
