import { existsSync } from 'node:fs';
import { HaspError, type Home } from '@hasp/core';
import {
  type KeySource,
  LockedVault,
  markOldKeyFile,
  readVaultHeader,
  rekeyVault,
  settleKeyFiles,
  takeMaking,
  type VaultHeader,
} from '@hasp/vault';
import type { Answer, CommandInput } from '../command.ts';
import type { Context } from '../context.ts';
import { KEY_BYTES, writeKeyFile } from '../key-file.ts';
import { keyFileNew, keyringNew, type NewKey, type NewKeyKind, newKeyKind, passphraseNew } from '../new-key.ts';
import { openStores, type Stores } from '../stores.ts';
import { keyFilePath } from '../unlock.ts';

/**
 * Puts the vault under another key. Vault and key file can't change in one instant: the new key file is written beside
 * the old one under the vault's lock, the vault is changed, and then the files are settled; whoever opens the vault
 * after a kill in between does the last.
 */
export async function rekey(input: CommandInput, context: Context): Promise<Answer> {
  const { home } = context;
  const asked = newKeyKind(input, context);
  const stores = await openStores(input, context);
  const usesKeyring = [asked?.source, readVaultHeader(home).keySource].includes('keyring');
  const release = usesKeyring ? takeMaking(home) : undefined;
  try {
    return await change(stores, asked, input, context);
  } finally {
    release?.();
  }
}

async function change(
  stores: Stores,
  asked: NewKeyKind | undefined,
  input: CommandInput,
  context: Context,
): Promise<Answer> {
  const { home } = context;
  const before = readVaultHeader(home);
  settleKeyFiles(home);
  const old = before.keySource === 'keyring' ? new LockedVault(home) : undefined;
  const made = await obtain(asked ?? sameKind(before), before, context);
  const defaultKeyFile = made.file === home.key;
  try {
    await rekeyVault(stores.vault, made.key, {
      defaultKeyFile,
      beforeCommit: () => {
        prepare(made, before, home);
        stores.record({ type: 'vault.rekeyed', keySource: made.key.source, from: before.keySource });
      },
    });
  } catch (error) {
    // After a fault of the disk nobody knows what stands there: a key that may be needed is kept.
    if (!(error instanceof HaspError && error.code === 'E_STORAGE')) await made.undo();
    settleKeyFiles(home);
    throw error;
  } finally {
    made.key.bytes.fill(0);
  }
  await made.confirm?.();
  settleAfter(home);
  const isForgotten = old === undefined || (await forgetOld(old, context));
  const { erasePending } = stores.vault;
  stores.close();
  return {
    json: {
      vault: before.id,
      keySource: made.key.source,
      ...(made.file !== undefined && { keyFile: made.file }),
      erasePending,
    },
    notes: [
      `the vault opens with ${made.file ?? NEW_NAME[made.key.source]} now`,
      ...oldKeyNotes(before, input, context, made),
      'backups made before open with the old key still: make a new one with hasp vault backup',
      ...(isForgotten
        ? []
        : [`the keyring still has the old key: take it out of the entry with service hasp and account ${before.id}`]),
      ...(erasePending
        ? ['another process holds the vault open: what the old key opened goes with its next change']
        : []),
    ],
  };
}

const NEW_NAME: Readonly<Record<KeySource, string>> = {
  passphrase: 'the new passphrase',
  'key-file': 'the new key file',
  keyring: 'a new key in your keyring',
};

/** What the keyring has for the vault as it was; not for a copy of it that has another key. @param old its header, from before */
async function forgetOld(old: LockedVault, context: Context): Promise<boolean> {
  old.close();
  const { forgetKey } = await import('../keyring/vault-key.ts');
  return forgetKey(context, old.header.id, (key) => old.opensWith(key));
}

function settleAfter(home: Home): void {
  try {
    settleKeyFiles(home);
  } catch (error) {
    const code = error instanceof HaspError ? error.message : (error as NodeJS.ErrnoException).code;
    throw new HaspError(
      'E_STORAGE',
      `the vault has its new key, but the old key file is not gone (${code})`,
      'the next command that opens the vault tries again',
    );
  }
}

function sameKind({ keySource, defaultKeyFile }: VaultHeader): NewKeyKind {
  if (keySource === 'passphrase') return { source: 'passphrase' };
  if (keySource === 'keyring') return { source: 'keyring' };
  if (keySource === 'key-file' && defaultKeyFile) return { source: 'key-file' };
  throw new HaspError(
    'E_USAGE',
    'name the new key',
    'with --new-key-file PATH, --new-keyring, --new-passphrase or --new-passphrase-fd N',
  );
}

async function obtain(kind: NewKeyKind, before: VaultHeader, context: Context): Promise<NewKey> {
  const { home, random } = context;
  if (kind.source === 'passphrase') return passphraseNew(kind.descriptor);
  if (kind.source === 'keyring') return keyringNew(before.id, context);
  const file = kind.file ?? home.key;
  if (file !== home.key || (existsSync(home.key) && !before.defaultKeyFile)) return keyFileNew(file, context);
  // In the place of the present one, or where none is: it is written beside its place first.
  return { key: { source: 'key-file', bytes: Buffer.from(random(KEY_BYTES)) }, file, undo: () => {} };
}

/** Within the vault's change. */
function prepare({ key, file }: NewKey, { defaultKeyFile }: VaultHeader, home: Home): void {
  if (file === home.key) {
    if (defaultKeyFile || !existsSync(home.key)) writeKeyFile(home.newKey, key.bytes);
  } else if (defaultKeyFile) markOldKeyFile(home);
}

function oldKeyNotes(before: VaultHeader, input: CommandInput, context: Context, { file }: NewKey): string[] {
  const old = keyFilePath(input, context);
  if (before.keySource !== 'key-file' || old === undefined || old === file || old === context.home.key) return [];
  return [`${old} does not open it any more: remove it where it is not needed for an earlier backup`];
}
