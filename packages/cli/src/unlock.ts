import { closeSync, constants, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { LockedVault, openVaultWithPassphrase, type UnlockKey, type Vault, type VaultHeader } from '@hasp/vault';
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
  return settled(input, context, () => unlockOnce(input, context, ask, ready));
}

async function unlockOnce(...[input, context, ask, ready]: Parameters<typeof unlock>): Promise<Vault> {
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
  return settled(input, context, (isAgain) => obtainWrappingOnce(input, context, isAgain));
}

/** The key is the file that hasp keeps in the home, and no other was named. */
function isKeptHere({ defaultKeyFile }: VaultHeader, input: GlobalInput, context: Context): boolean {
  const { key } = context.home;
  return defaultKeyFile && (keyFilePath(input, context) ?? key) === key;
}

function staleKeyFile(): HaspError {
  return new HaspError('E_WRONG_KEY', 'the key file does not open this vault', 'try again');
}

async function obtainWrappingOnce(input: GlobalInput, context: Context, isAgain: boolean): Promise<Uint8Array> {
  const locked = openLocked(context);
  try {
    return await withKey(await obtainKey(input, context, locked, readPassphrase), (key) => {
      // A wrong one is for the broker to refuse and to record.
      if (!isAgain && isKeptHere(locked.header, input, context) && !locked.opensWith(key.bytes)) throw staleKeyFile();
      return locked.wrappingKey(key);
    });
  } finally {
    locked.close();
  }
}

/** Where the key files of the home are not what the vault says, as after a rekey that was killed, they are made so. */
async function settled<T>(input: GlobalInput, context: Context, open: (isAgain: boolean) => Promise<T>): Promise<T> {
  const settling = () => import('./settle-key-files.ts');
  try {
    const opened = await open(false);
    if (existsSync(context.home.oldKey)) (await settling()).settleKeyFiles(context.home);
    return opened;
  } catch (error) {
    if (!/^E_(WRONG_KEY|VAULT_LOCKED)$/.test((error as HaspError).code)) throw error;
    if (!(await settling()).settleAfter(context.home, keyFilePath(input, context))) throw error;
    return open(true);
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

export function notThatKey(what: 'vault' | 'backup' = 'vault'): HaspError {
  return new HaspError(
    'E_WRONG_KEY',
    `this ${what} opens with a passphrase, not with a key file`,
    'leave --key-file out',
  );
}

export function keyFileUnnamed(what: 'vault' | 'backup' = 'vault'): HaspError {
  return new HaspError(
    'E_VAULT_LOCKED',
    `the ${what} is locked: its key file was not named`,
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
    return readPassphraseFrom(input.passphraseFd);
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

export function readPassphraseFrom(descriptor: number): Buffer {
  return withoutFinalNewline(readDescriptor(descriptor, MAX_PASSPHRASE_BYTES, 'the passphrase'));
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
