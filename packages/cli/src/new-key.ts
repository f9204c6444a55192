import { closeSync, existsSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import type { UnlockKey } from '@hasp/vault';
import type { CommandInput } from './command.ts';
import type { Context } from './context.ts';
import { KEY_BYTES, makeKeyFile } from './key-file.ts';
import type { Options } from './options.ts';
import { askTwice, openTerminal } from './terminal.ts';
import { readKeyFile, readPassphraseFrom } from './unlock.ts';

/** The kind of a new key, as it is asked for. A further kind is one more member here, and what obtains it. */
export type NewKeyKind =
  | { readonly source: 'passphrase'; readonly descriptor?: number }
  /** Without a path: HOME/vault.key. */
  | { readonly source: 'key-file'; readonly file?: string }
  | { readonly source: 'keyring' };

/** A key that is to open something from now on; the caller wipes its bytes. */
export interface NewKey {
  readonly key: UnlockKey;
  readonly file?: string;
  /** Takes away what was made for it, where nothing came of it. */
  undo(): void | Promise<void>;
  /** Once it opens something: that it still will. @throws HaspError E_STORAGE */
  confirm?(): Promise<void>;
}

export const NEW_PASSPHRASE_OPTIONS: Options = {
  'new-passphrase': { kind: 'flag', says: 'with a passphrase, asked for twice on the terminal' },
  'new-passphrase-fd': { kind: 'number', says: 'N: with the passphrase that is read from this descriptor' },
};

/** What the options say of a new key; undefined where they say nothing. @throws HaspError E_USAGE */
export function newKeyKind(input: CommandInput, { cwd }: Context): NewKeyKind | undefined {
  const { options } = input;
  const file = options['new-key-file'];
  const descriptor = options['new-passphrase-fd'];
  const kinds: NewKeyKind[] = [];
  if (typeof file === 'string') kinds.push({ source: 'key-file', ...(file && { file: path.resolve(cwd, file) }) });
  if (typeof descriptor === 'number') kinds.push({ source: 'passphrase', descriptor });
  if (options['new-passphrase'] === true) kinds.push({ source: 'passphrase' });
  if (options['new-keyring'] === true) kinds.push({ source: 'keyring' });
  if (kinds.length > 1) throw new HaspError('E_USAGE', 'only one new key can be given', 'leave the other options out');
  if (descriptor !== undefined && descriptor === input.passphraseFd) {
    throw new HaspError(
      'E_USAGE',
      'one descriptor can not carry two passphrases',
      'use another one: --passphrase-fd 3 --new-passphrase-fd 4 3< old 4< new',
    );
  }
  return kinds[0];
}

/** The key file that is there, or a new one. @throws HaspError E_STORAGE, E_WRONG_KEY, E_HOME_UNSAFE */
export function keyFileNew(file: string, { uid, random }: Context): NewKey {
  const isMade = !existsSync(file);
  const bytes = isMade ? makeKeyFile(file, random) : readKeyFile(file, uid);
  const undo = () => {
    if (isMade) unlinkSync(file);
  };
  return { key: { source: 'key-file', bytes }, file, undo };
}

export async function passphraseNew(descriptor: number | undefined): Promise<NewKey> {
  return {
    key: {
      source: 'passphrase',
      bytes: await newPassphrase(descriptor, '--new-key-file PATH, or --new-passphrase-fd N'),
    },
    undo: () => {},
  };
}

/**
 * A new key in the entry of the vault, beside what stands there: until the vault has it, the old one opens. Under the
 * lock of `takeMaking`: who changes an entry puts all of it anew. @throws HaspError E_STORAGE
 */
export async function keyringNew(vault: string, context: Context): Promise<NewKey> {
  const { forgetKey, keepKey, storeKey } = await import('./keyring/vault-key.ts');
  const bytes = Buffer.from(context.random(KEY_BYTES));
  const kept = Buffer.from(bytes);
  await storeKey(context, vault, bytes);
  return {
    key: { source: 'keyring', bytes },
    undo: async () => {
      await forgetKey(context, vault, (key) => kept.equals(key));
      kept.fill(0);
    },
    // A rekey of a copy in another home has the same entry, and another lock.
    confirm: async () => {
      await keepKey(context, vault, kept);
      kept.fill(0);
    },
  };
}

/** From the descriptor, or asked for twice. @param others what to use without a terminal @throws HaspError E_USAGE */
export async function newPassphrase(descriptor: number | undefined, others: string): Promise<Buffer> {
  if (descriptor === undefined) {
    const terminal = openTerminal();
    if (terminal === undefined) {
      throw new HaspError('E_USAGE', 'there is no terminal to ask for a passphrase on', `use ${others}`);
    }
    closeSync(terminal);
    return askTwice('New passphrase');
  }
  const bytes = readPassphraseFrom(descriptor);
  if (bytes.length > 0) return bytes;
  throw new HaspError('E_USAGE', 'the passphrase is empty', 'for example: 3< file');
}
