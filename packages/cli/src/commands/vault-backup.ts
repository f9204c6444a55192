import path from 'node:path';
import { HaspError } from '@hasp/core';
import { MIN_VALUE_BYTES } from '@hasp/match';
import { type BackupMade, backUpVault, readVaultHeader } from '@hasp/vault';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { counted } from '../counted.ts';
import { requireOutside } from '../home-guard.ts';
import { isTerminal } from '../is-terminal.ts';
import { keyFileNew, type NewKey, newKeyKind, passphraseNew } from '../new-key.ts';
import { progressOn } from '../progress.ts';
import { openStores } from '../stores.ts';

export async function backUp(input: CommandInput, context: Context): Promise<Answer> {
  const file = path.resolve(context.cwd, word(input, 'FILE'));
  requireOutside(file, context.home);
  const kind = newKeyKind(input, context);
  const stores = await openStores(input, context);
  if (kind === undefined && readVaultHeader(context.home).keySource === 'keyring') throw keyringStaysHere();
  const other =
    kind === undefined
      ? undefined
      : kind.source === 'passphrase'
        ? await passphraseNew(kind.descriptor)
        : keyFileNew((kind.source === 'key-file' && kind.file) || '', context);
  const progress = isTerminal(2) ? progressOn('backed up') : undefined;
  const name = watchedName(file);
  let made: BackupMade;
  try {
    made = await backUpVault(stores.vault, file, {
      ...(other && { key: other.key }),
      head: stores.log.settle(),
      ...(progress && { onProgress: progress.update }),
      onValue: name.see,
      beforePublish: ({ bytes, sha256, keySource }) => {
        stores.record({ type: 'vault.backed-up', ...name.fields, sha256, bytes, keySource });
      },
    });
  } catch (error) {
    await other?.undo();
    throw error;
  } finally {
    progress?.clear();
    other?.key.bytes.fill(0);
  }
  stores.close();
  const { bytes, sha256, keySource, secrets, versions } = made;
  return {
    json: { file, bytes, sha256, keySource, ...(other?.file && { keyFile: other.file }), secrets, versions },
    notes: [
      `backed up ${counted(secrets, 'secret')} to ${file}, which opens with ${opener(made, other)}`,
      ...(keySource === 'key-file'
        ? ['without that key file nobody can restore it: keep a copy of the key elsewhere']
        : []),
    ],
  };
}

function opener({ keySource }: BackupMade, other: NewKey | undefined): string {
  if (keySource === 'passphrase') return other === undefined ? 'the passphrase of the vault' : 'its own passphrase';
  return other?.file ?? 'the key file of the vault';
}

function keyringStaysHere(): HaspError {
  return new HaspError(
    'E_USAGE',
    'this vault opens with the keyring of this machine, which is of no use on another',
    'give the backup a key of its own: --new-passphrase, or --new-key-file PATH',
  );
}

/** What may be recorded of the file: its name, if no value of the vault is in it. */
function watchedName(file: string): {
  readonly see: (value: Uint8Array) => void;
  readonly fields: { readonly file?: string };
} {
  const name = path.basename(file);
  const bytes = Buffer.from(name);
  let holdsValue = false;
  return {
    see: (value) => {
      if (value.length >= MIN_VALUE_BYTES && bytes.indexOf(value) >= 0) holdsValue = true;
    },
    get fields() {
      return holdsValue ? {} : { file: name };
    },
  };
}
