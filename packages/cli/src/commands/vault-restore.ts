import { existsSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { createLog } from '@hasp/audit';
import { HaspError, type Home } from '@hasp/core';
import {
  LockedBackup,
  type RestoreFacts,
  settleKeyFiles,
  type UnlockKey,
  type Vault,
  type VaultHeader,
} from '@hasp/vault';
import { type Answer, type CommandInput, word } from '../command.ts';
import type { Context } from '../context.ts';
import { counted } from '../counted.ts';
import { makeHome } from '../home-guard.ts';
import { isTerminal } from '../is-terminal.ts';
import { writeKeyFile } from '../key-file.ts';
import { progressOn } from '../progress.ts';
import { beginMaking, cleanUnfinished } from '../unfinished.ts';
import { keyFilePath, keyFileUnnamed, notThatKey, readKeyFile, readPassphrase } from '../unlock.ts';

/** Makes the vault, its log and what it opens with; the vault gets its name last. */
export async function restore(input: CommandInput, context: Context): Promise<Answer> {
  const { home } = context;
  const backup = new LockedBackup(path.resolve(context.cwd, word(input, 'FILE')));
  requireNoVault(home);
  const key = await obtainKey(input, context, backup);
  try {
    await backup.unlock(key);
    const facts = inNewHome(context, () => restoreInto(backup, key, context));
    return answer(facts, backup.header, home);
  } finally {
    key.bytes.fill(0);
    backup.close();
  }
}

/** By one at a time; a home that is made for it is gone again if nothing came of it. */
function inNewHome<T>({ home, uid }: Context, deed: () => T): T {
  const isNew = !existsSync(home.root);
  makeHome(home, uid);
  try {
    const release = beginMaking(home);
    try {
      requireNoVault(home);
      return deed();
    } finally {
      release();
    }
  } catch (error) {
    if (isNew) removeEmpty(home.root);
    throw error;
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody has put something into it.
  }
}

function restoreInto(backup: LockedBackup, key: UnlockKey, context: Context): RestoreFacts {
  const { home } = context;
  const progress = isTerminal(2) ? progressOn('restored') : undefined;
  try {
    const facts = backup.restore(home, context, {
      ...(progress && { onProgress: progress.update }),
      beforePublish: (vault, found) => {
        if (backup.header.defaultKeyFile && !existsSync(home.key)) writeKeyFile(home.newKey, key.bytes);
        startLog(vault, found, backup.header, context);
      },
    });
    if (existsSync(home.newKey)) settleKeyFiles(home);
    return facts;
  } catch (error) {
    if (!existsSync(home.vault)) cleanUnfinished(home);
    throw error;
  } finally {
    progress?.clear();
  }
}

function startLog(vault: Vault, facts: RestoreFacts, { id, keySource }: VaultHeader, { home, clock }: Context): void {
  const chain = vault.chain();
  const { head: previous, sha256: backup } = facts;
  const first = { type: 'vault.restored', chain, vault: id, keySource, backup, ...(previous && { previous }) } as const;
  vault.writeMark(createLog(home, { chain, k0: vault.auditKey() }, first, clock));
}

function answer({ secrets, versions, agents, head, madeAt }: RestoreFacts, header: VaultHeader, home: Home): Answer {
  const { id, keySource, defaultKeyFile } = header;
  return {
    json: {
      home: home.root,
      vault: id,
      keySource,
      ...(defaultKeyFile && { keyFile: home.key }),
      madeAt,
      secrets,
      versions,
      agents,
      ...(head && { previous: head }),
    },
    notes: [
      `restored ${counted(secrets, 'secret')} into ${home.root}, as of ${madeAt}`,
      `it opens with ${opener(header, home)}`,
      'consents to projects are of one machine: give them again with hasp project trust',
    ],
  };
}

/** As a vault is opened, but for the log, which is not there yet. */
async function obtainKey(input: CommandInput, context: Context, { header }: LockedBackup): Promise<UnlockKey> {
  const named = keyFilePath(input, context);
  if (header.keySource === 'passphrase') {
    if (input.keyFile !== undefined) throw notThatKey('backup');
    return { source: 'passphrase', bytes: await readPassphrase(input) };
  }
  const file = named ?? (existsSync(context.home.key) ? context.home.key : undefined);
  if (file === undefined) throw keyFileUnnamed('backup');
  const bytes = readKeyFile(file, context.uid);
  if (
    header.defaultKeyFile &&
    existsSync(context.home.key) &&
    !readKeyFile(context.home.key, context.uid).equals(bytes)
  ) {
    throw new HaspError('E_EXISTS', `${context.home.key} is another key`, 'move it away, or choose another HASP_HOME');
  }
  return { source: 'key-file', bytes };
}

function requireNoVault({ vault, root }: Home): void {
  if (!existsSync(vault)) return;
  throw new HaspError(
    'E_EXISTS',
    `there is a vault in ${root} already`,
    'restore into another place: export HASP_HOME=/a/folder/of/yours',
  );
}

function opener({ keySource, defaultKeyFile }: VaultHeader, home: Home): string {
  if (keySource === 'passphrase') return 'the passphrase of the backup';
  return defaultKeyFile ? home.key : 'the key file of the backup: name it with --key-file or HASP_KEY_FILE';
}
