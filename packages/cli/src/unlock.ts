import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { LockedVault, openVaultWithPassphrase, type UnlockKey, type Vault } from '@hasp/vault';
import type { Context } from './context.ts';
import { checkPrivateFile } from './home-guard.ts';
import type { GlobalInput } from './input.ts';
import { asHaspError } from './output.ts';
import { readDescriptor, withoutFinalNewline } from './read-all.ts';
import { askHidden, openTerminal } from './terminal.ts';

const KEY_BYTES = 32;
const MAX_PASSPHRASE_BYTES = 64 * 1024;

/**
 * Opens the vault with the first key there is: key file, keyring, passphrase descriptor, terminal.
 * @param ask gets a passphrase
 * @param ready no key is read before
 * @throws HaspError E_VAULT_MISSING, E_VAULT_LOCKED, E_WRONG_KEY, E_VAULT_CORRUPT, E_HOME_UNSAFE
 */
export async function unlock(
  input: GlobalInput,
  context: Context,
  ask: typeof readPassphrase,
  ready?: Promise<void>,
): Promise<Vault> {
  const locked = openLocked(context);
  try {
    await ready;
    return await withKey(await obtainKey(input, context, locked, ask), (key) =>
      key.source === 'passphrase' ? locked.unlockWithPassphrase(key) : locked.unlockAtOnce(key),
    );
  } catch (error) {
    locked.close();
    throw error;
  }
}

/**
 * What opens the vault, for a broker that is to open it; the caller wipes it.
 * @throws HaspError as `unlock`, a wrong key excepted
 */
export async function obtainWrappingKey(input: GlobalInput, context: Context): Promise<Uint8Array> {
  const locked = openLocked(context);
  try {
    return await withKey(await obtainKey(input, context, locked, readPassphrase), (key) => locked.wrappingKey(key));
  } finally {
    locked.close();
  }
}

/** @param wrapping from `obtainWrappingKey`; wiped @throws HaspError E_WRONG_KEY */
export function unlockWithWrappingKey(wrapping: Uint8Array, context: Context): Vault {
  return openLocked(context).unlockWithWrappingKey(wrapping);
}

function openLocked(context: Context): LockedVault {
  return new LockedVault(context.home, { random: context.random, clock: context.clock });
}

async function obtainKey(
  input: GlobalInput,
  context: Context,
  locked: LockedVault,
  ask: typeof readPassphrase,
): Promise<UnlockKey> {
  const { header } = locked;
  if (header.keySource === 'keyring') return fromKeyring(input, context, locked, ask !== readPassphraseUnasked);
  const chosen = keyFilePath(input, context);
  if (header.keySource === 'passphrase') {
    if (input.keyFile !== undefined) throw notThatKey();
    if (context.inside !== undefined && input.passphraseFd === undefined) throw notAskedInside();
    return { source: 'passphrase', bytes: await ask(input) };
  }
  const keyFile = chosen ?? (header.defaultKeyFile ? context.home.key : undefined);
  if (keyFile === undefined) throw keyFileUnnamed();
  return { source: 'key-file', bytes: readKeyFile(keyFile, context.uid) };
}

/** Loaded here: no other vault needs it. Its errors are made ours. */
async function fromKeyring(
  input: GlobalInput,
  context: Context,
  locked: LockedVault,
  mayAsk: boolean,
): Promise<UnlockKey> {
  const { keyOf } = await import('./keyring/vault-key.ts');
  const bytes = await keyOf(locked, context, keyFilePath(input, context), input.passphraseFd, mayAsk).catch((error) => {
    throw asHaspError(error);
  });
  if (bytes === undefined) throw new NeedsPerson();
  return { source: 'keyring', bytes };
}

/** Who types it there types it for the agent. */
function notAskedInside(): HaspError {
  return new HaspError(
    'E_VAULT_LOCKED',
    'the vault is locked, and inside an agent session no passphrase is asked for',
    'let a person do it, outside of the session',
  );
}

function notThatKey(): HaspError {
  return new HaspError(
    'E_WRONG_KEY',
    'this vault opens with a passphrase, not with a key file',
    'leave --key-file out',
  );
}

function keyFileUnnamed(): HaspError {
  return new HaspError(
    'E_VAULT_LOCKED',
    'the vault is locked: its key file was not named',
    'name it: --key-file PATH, or HASP_KEY_FILE',
  );
}

async function withKey<T>(key: UnlockKey, open: (key: UnlockKey) => T | Promise<T>): Promise<T> {
  try {
    return await open(key);
  } finally {
    key.bytes.fill(0);
  }
}

/** Asks for the passphrase on the terminal only, whatever else could unlock. */
export async function proveWithPassphrase(context: Context): Promise<void> {
  const bytes = await askHidden('Passphrase, to show a value: ');
  const vault = await withKey({ source: 'passphrase', bytes }, (key) => openVaultWithPassphrase(context.home, key));
  vault.close();
}

/** Where `ask` of `unlock` says so: a person has to be asked, and can be. */
export class NeedsPerson extends Error {}

/** @throws NeedsPerson instead of asking on the terminal */
export async function readPassphraseUnasked(input: GlobalInput): Promise<Buffer> {
  if (input.passphraseFd !== undefined) {
    return withoutFinalNewline(readDescriptor(input.passphraseFd, MAX_PASSPHRASE_BYTES, 'the passphrase'));
  }
  const terminal = openTerminal();
  if (terminal !== undefined) {
    closeSync(terminal);
    throw new NeedsPerson();
  }
  throw new HaspError(
    'E_VAULT_LOCKED',
    'the vault is locked and there is no terminal to ask on',
    'use --passphrase-fd N, or a vault with a key file: --key-file PATH, HASP_KEY_FILE',
  );
}

export async function readPassphrase(input: GlobalInput): Promise<Buffer> {
  try {
    return await readPassphraseUnasked(input);
  } catch (error) {
    if (error instanceof NeedsPerson) return askHidden('Passphrase: ');
    throw error;
  }
}

/** The key file that was named, absolute; undefined where none was. */
export function keyFilePath(input: GlobalInput, context: Context): string | undefined {
  const named = input.keyFile || context.environment.get('HASP_KEY_FILE');
  return named ? path.resolve(context.cwd, named) : undefined;
}

/** @throws HaspError E_VAULT_LOCKED where it is not there, E_WRONG_KEY where it is no key file. */
export function readKeyFile(file: string, uid: number): Buffer {
  checkPrivateFile(file, uid);
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HaspError(
      'E_VAULT_LOCKED',
      `the key file ${file} could not be read (${code})`,
      'name the right one: --key-file PATH',
    );
  }
  const bytes = readDescriptor(descriptor, KEY_BYTES + 1, 'the key file');
  if (bytes.length === KEY_BYTES) return bytes;
  throw new HaspError(
    'E_WRONG_KEY',
    `${file} is not a key file (32 bytes are expected)`,
    'name the right one: --key-file PATH',
  );
}
