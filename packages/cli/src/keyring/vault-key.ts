import { timingSafeEqual } from 'node:crypto';
import { closeSync } from 'node:fs';
import { HaspError } from '@hasp/core';
import type { Context } from '../context.ts';
import { openTerminal } from '../terminal.ts';
import { decodeKeys, encodeKeys } from './key-text.ts';
import { keychain } from './keychain.ts';
import type { Found, Keyring, Locked, Patience, Unreachable } from './keyring.ts';
import { secretService } from './secret-tool.ts';
import { runTool } from './tool.ts';

/** A locked vault. */
interface Opener {
  readonly header: { readonly id: string };
  opensWith(key: Uint8Array): boolean;
}

const ELSEWHERE = '; hasp unlock in a login where it is open serves this one too';

/**
 * The key of a vault, from the entry of its id; the caller wipes it.
 * @param locked tells which, where there are several
 * @param keyFile what was chosen in the command or the environment, and can't open such a vault; so `passphraseFd`
 * @param mayAsk a person, by the keyring's own window
 * @returns undefined where a person would have to be asked, and could be
 * @throws HaspError E_VAULT_LOCKED, E_WRONG_KEY
 */
export async function keyOf(
  locked: Opener,
  context: Context,
  keyFile: string | undefined,
  passphraseFd: number | undefined,
  mayAsk: boolean,
): Promise<Buffer | undefined> {
  refuseOthers(keyFile, passphraseFd);
  const { id } = locked.header;
  const keyring = keyringOf(context);
  const isSomeone = hasPerson(context);
  const found = await keyring.look(id, mayAsk && isSomeone ? 'a person' : 'short');
  if (found.state === 'locked' && !mayAsk && isSomeone) return undefined;
  const keys = keysIn(found);
  if (keys.length === 0) throw noKey(id);
  const key = keys.length === 1 ? keys[0] : keys.find((each) => locked.opensWith(each));
  const chosen = Buffer.from(key ?? (keys[0] as Buffer));
  for (const each of keys) each.fill(0);
  return chosen;
}

/**
 * Puts a key beside those that stand there, and believes nothing before it has read it back.
 * @throws HaspError E_STORAGE
 */
export async function storeKey(context: Context, id: string, key: Uint8Array): Promise<void> {
  const keyring = keyringOf(context);
  const patience = patienceOf(context);
  const before = storable(await keyring.look(id, patience));
  const keys = [...before, key];
  const text = encodeKeys(keys);
  try {
    const failure = await keyring.store(id, labelOf(context), text, patience);
    if (failure !== undefined) throw notStored(failure);
    const after = storable(await keyring.look(id, patience));
    const isThere = after.length === keys.length && after.every((each, place) => isSame(each, keys[place]));
    for (const each of after) each.fill(0);
    if (!isThere)
      throw notStored({ state: 'unreachable', why: 'it gives back something else', hint: 'look at its entries' });
  } finally {
    text.fill(0);
    for (const each of before) each.fill(0);
  }
}

/** Another may have put the entry anew meanwhile: then once more. What can't be asked just now is believed. @throws HaspError E_STORAGE */
export async function keepKey(context: Context, id: string, key: Uint8Array): Promise<void> {
  const found = await keyringOf(context).look(id, 'short');
  if (found.state !== 'found' && found.state !== 'missing') return;
  const keys = storable(found);
  const isThere = keys.some((each) => isSame(each, key));
  for (const each of keys) each.fill(0);
  if (!isThere) await storeKey(context, id, key);
}

/** Leaves those of other vaults of the same id. @returns false where it may still be there */
export async function forgetKey(
  context: Context,
  id: string,
  isForgotten: (key: Uint8Array) => boolean,
): Promise<boolean> {
  const keyring = keyringOf(context);
  const found = await keyring.look(id, 'short');
  if (found.state !== 'found') return found.state === 'missing';
  const keys = decodeKeys(found.text) ?? [];
  found.text.fill(0);
  const kept = keys.filter((key) => !isForgotten(key));
  const text = encodeKeys(kept);
  const failure = await (kept.length === 0 ? keyring.remove(id) : keyring.store(id, labelOf(context), text, 'short'));
  text.fill(0);
  for (const key of keys) key.fill(0);
  return failure === undefined;
}

/** Whether the keyring answers, and has the key; never asks. @throws HaspError E_VAULT_LOCKED, E_WRONG_KEY */
export async function askKeyring(context: Context, id: string): Promise<'open' | 'locked'> {
  const found = await keyringOf(context).look(id, 'short');
  if (found.state === 'locked') return 'locked';
  const keys = keysIn(found);
  for (const key of keys) key.fill(0);
  if (keys.length === 0) throw noKey(id);
  return 'open';
}

const labelOf = ({ home }: Context) => `hasp vault key (${home.root})`;

function keyringOf({ environment }: Context): Keyring {
  return (process.platform === 'darwin' ? keychain : secretService)(environment, runTool);
}

/** Inside an agent session nobody is asked: who types it there types it for the agent. */
function hasPerson({ inside }: Context): boolean {
  const terminal = inside === undefined ? openTerminal() : undefined;
  if (terminal === undefined) return false;
  closeSync(terminal);
  return true;
}

const patienceOf = (context: Context): Patience => (hasPerson(context) ? 'a person' : 'short');

/** @throws HaspError E_VAULT_LOCKED, E_WRONG_KEY */
function keysIn(found: Found): Buffer[] {
  if (found.state === 'missing') return [];
  if (found.state === 'locked')
    throw new HaspError(
      'E_VAULT_LOCKED',
      'the vault is locked, and so is the keyring that has its key',
      `unlock the keyring${ELSEWHERE}`,
    );
  if (found.state === 'unreachable')
    throw new HaspError(
      'E_VAULT_LOCKED',
      `the vault is locked: the keyring that has its key can't be asked (${found.why})`,
      `${found.hint}${ELSEWHERE}`,
    );
  const keys = decodeKeys(found.text);
  found.text.fill(0);
  if (keys !== undefined) return keys;
  throw new HaspError(
    'E_WRONG_KEY',
    'what the keyring has for this vault is no key of 32 bytes',
    'restore a backup, with a key of its own',
  );
}

/** @throws HaspError E_STORAGE */
function storable(found: Found): Buffer[] {
  if (found.state === 'missing') return [];
  if (found.state !== 'found') throw notStored(found);
  const keys = decodeKeys(found.text) ?? [];
  found.text.fill(0);
  return keys;
}

function notStored(failure: Locked | Unreachable): HaspError {
  const { why, hint } = failure.state === 'locked' ? { why: 'it is locked', hint: 'unlock it' } : failure;
  return new HaspError(
    'E_STORAGE',
    `the key could not be put into the keyring: ${why}`,
    `${hint}; or choose a passphrase, or a key file`,
  );
}

function noKey(id: string): HaspError {
  return new HaspError(
    'E_VAULT_LOCKED',
    'the vault is locked: the keyring has no key for it',
    `look for its entry (service hasp, account ${id}) in the keyring of whoever made the vault, or restore a backup`,
  );
}

/** @throws HaspError E_WRONG_KEY */
function refuseOthers(keyFile: string | undefined, passphraseFd: number | undefined): void {
  const other = keyFile !== undefined ? 'a key file' : passphraseFd !== undefined ? 'a passphrase' : undefined;
  if (other === undefined) return;
  throw new HaspError(
    'E_WRONG_KEY',
    `this vault opens with a key in the keyring of the operating system, not with ${other}`,
    keyFile === undefined ? 'leave --passphrase-fd out' : 'leave --key-file out, and unset HASP_KEY_FILE',
  );
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && one.length === other.length && timingSafeEqual(one, other);
}
