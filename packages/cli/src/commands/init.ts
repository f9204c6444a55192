import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import { createLog } from '@hasp/audit';
import { HaspError, type Home } from '@hasp/core';
import { createVault, type KeySource, newVaultId, readVaultHeader, type UnlockKey, type Vault } from '@hasp/vault';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome, makeHome } from '../home-guard.ts';
import { KEY_BYTES, makeKeyFile } from '../key-file.ts';
import { newPassphrase } from '../new-key.ts';
import { beginMaking } from '../unfinished.ts';
import { keyFilePath, readKeyFile, readPassphrase, unlock } from '../unlock.ts';

/** Makes the vault and the log's first record; finishes an init that was killed. */
export async function init(input: CommandInput, context: Context): Promise<Answer> {
  const { home } = context;
  const isKeyring = input.options.keyring === true;
  if (isKeyring) requireAlone(input);
  else makeHome(home, context.uid);
  const keyFile = isKeyring ? undefined : chosenKeyFile(input, context);
  const keySource: KeySource = isKeyring ? 'keyring' : keyFile === undefined ? 'passphrase' : 'key-file';
  let release: (() => void) | undefined;
  const begin = () => {
    release = beginMaking(home);
  };
  const vault = existsSync(home.vault)
    ? await openUnfinished(input, context, keySource)
    : isKeyring
      ? await createWithKeyring(context, begin)
      : await create(input, context, keyFile, begin);
  startLog(vault, context, keySource);
  vault.close();
  release?.();
  const key = isKeyring ? 'a key in your keyring' : (keyFile ?? 'your passphrase');
  const isHidden = isKeyring && keyFilePath(input, context) !== undefined;
  return {
    json: { home: home.root, vault: vault.id, keySource, ...(keyFile === undefined ? {} : { keyFile }) },
    notes: [
      `made a vault in ${home.root}, which opens with ${key}`,
      ...(isHidden ? ['HASP_KEY_FILE is set, and has to go: this vault opens with no key file'] : []),
    ],
  };
}

function requireAlone({ keyFile, passphraseFd }: CommandInput): void {
  if (keyFile === undefined && passphraseFd === undefined) return;
  throw new HaspError(
    'E_USAGE',
    'a vault opens with a key in the keyring, with a passphrase or with a key file',
    'choose one of --keyring, --passphrase-fd and --key-file',
  );
}

/** The key is in the keyring, and was read back, before anything is made in the home. */
async function createWithKeyring(context: Context, begin: () => void): Promise<Vault> {
  const { home, random, clock } = context;
  checkHome(home, context.uid);
  const { forgetKey, storeKey } = await import('../keyring/vault-key.ts');
  const id = newVaultId(random);
  const bytes = Buffer.from(random(KEY_BYTES));
  try {
    await storeKey(context, id, bytes);
    makeHome(home, context.uid);
    begin();
    return await createVault(home, { source: 'keyring', bytes }, random, clock, { id });
  } catch (error) {
    // Nobody else has this id.
    await forgetKey(context, id, () => true);
    throw error;
  } finally {
    bytes.fill(0);
  }
}

/** What is said in the command goes before the environment. */
function chosenKeyFile(input: CommandInput, context: Context): string | undefined {
  if (input.passphraseFd === undefined) {
    return input.keyFile === '' ? context.home.key : keyFilePath(input, context);
  }
  if (input.keyFile === undefined) return undefined;
  throw new HaspError(
    'E_USAGE',
    'a vault opens with a passphrase or with a key file, not with both',
    'leave one of the two options out',
  );
}

async function create(
  input: CommandInput,
  context: Context,
  keyFile: string | undefined,
  begin: () => void,
): Promise<Vault> {
  const { home, random, clock } = context;
  begin();
  if (keyFile === undefined) {
    const key: UnlockKey = {
      source: 'passphrase',
      bytes: await newPassphrase(input.passphraseFd, 'hasp init --key-file, or --passphrase-fd N'),
    };
    return createVault(home, key, random, clock);
  }
  if (keyFile === home.key) dropUnfinishedKey(home);
  const made = !existsSync(keyFile);
  const key: UnlockKey = {
    source: 'key-file',
    bytes: made ? makeKeyFile(keyFile, random) : readKeyFile(keyFile, context.uid),
  };
  try {
    return await createVault(home, key, random, clock, { defaultKeyFile: keyFile === home.key });
  } catch (error) {
    // Another init may have been quicker, with this very key.
    if (made && !existsSync(home.vault)) unlinkSync(keyFile);
    throw error;
  }
}

/** A vault without a mark has never had a log: an init was killed between the two. */
async function openUnfinished(input: CommandInput, context: Context, keySource: KeySource): Promise<Vault> {
  let vault: Vault;
  try {
    checkHome(context.home, context.uid);
    if (readVaultHeader(context.home).keySource !== keySource) throw vaultExists(context.home);
    vault = await unlock(input, context, readPassphrase);
  } catch {
    throw vaultExists(context.home);
  }
  if (vault.mark() === undefined) return vault;
  vault.close();
  throw vaultExists(context.home);
}

function vaultExists(home: Home): HaspError {
  return new HaspError(
    'E_EXISTS',
    `there is a vault in ${home.root} already`,
    'use it, or choose another place: export HASP_HOME=/a/folder/of/yours',
  );
}

/** Under the vault's lock: of two inits at once one makes the log, and the other sees its mark. */
function startLog(vault: Vault, { home, clock }: Context, keySource: KeySource): void {
  vault.transaction(() => {
    if (vault.mark() !== undefined) throw vaultExists(home);
    dropUnfinishedLog(home);
    const chain = vault.chain();
    const root = { chain, k0: vault.auditKey() };
    vault.writeMark(createLog(home, root, { type: 'vault.created', chain, vault: vault.id, keySource }, clock));
  });
}

/** The vault has no mark, so no record was ever acknowledged: what lies there is a killed init's. */
function dropUnfinishedLog(home: Home): void {
  for (const file of [home.auditLog, home.auditSeal]) {
    if (existsSync(file)) unlinkSync(file);
  }
}

/** Cut short by a kill, and without a vault, it opens nothing. */
function dropUnfinishedKey({ key, vault }: Home): void {
  const status = lstatSync(key, { throwIfNoEntry: false });
  if (status?.isFile() && status.size < KEY_BYTES && !existsSync(vault)) unlinkSync(key);
}
