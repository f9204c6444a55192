import type { AuditMark } from '@hasp/core';
import { timeText } from '../encoding.ts';
import { KIND_NUMBER } from '../entries.ts';
import { SALT_BYTES } from '../envelope.ts';
import { decodeHead } from '../head.ts';
import { readHeader } from '../header.ts';
import { INSIDE } from '../inside.ts';
import { type KeySource, requireUsable, STRETCH_COST, type StretchCost, type UnlockKey } from '../key-source.ts';
import { deriveKey, type Keys } from '../keys.ts';
import type { Vault } from '../vault.ts';
import { wrapRoot } from '../wrapping.ts';
import { putEntry, putFacts, putVersion } from './body.ts';
import { type FileFacts, writeWhole } from './file.ts';
import { BACKUP_HEADER_BYTES, encodeBackupHeader } from './header.ts';
import { SealedWriter } from './stream.ts';

export interface BackupOptions {
  /** What the backup opens with, in place of what opens the vault. */
  readonly key?: UnlockKey;
  /** The end of the audit log. */
  readonly head: AuditMark | undefined;
  /** The whole file is on disk, under another name; if it throws, there is no backup. */
  readonly beforePublish: (facts: FileFacts & { readonly keySource: KeySource }) => void;
  readonly onProgress?: (done: number, total: number) => void;
  /** Every value as it is opened; wiped after. */
  readonly onValue?: (value: Uint8Array) => void;
}

export interface BackupMade extends FileFacts {
  readonly keySource: KeySource;
  readonly secrets: number;
  readonly versions: number;
}

/**
 * All of the vault at one moment in one sealed file, but for consents, which are of this machine, and what can be
 * made anew. Every value is opened on the way: a damaged vault has no backup.
 * @throws HaspError E_EXISTS where `file` is there and no backup, E_STORAGE, E_VAULT_CORRUPT
 */
export async function backUpVault(vault: Vault, file: string, options: BackupOptions): Promise<BackupMade> {
  return backUpVaultAt(vault, file, options, STRETCH_COST, vault[INSIDE].clock());
}

/** The same at another cost of Argon2id, for tests. */
export async function backUpVaultAt(
  vault: Vault,
  file: string,
  { key, head, beforePublish, onProgress, onValue }: BackupOptions,
  cost: StretchCost,
  now: number,
): Promise<BackupMade> {
  const { database, entries, versions, keys, random } = vault[INSIDE];
  if (key) requireUsable(key);
  const wrapped = key && (await wrapRoot(keys.root, keys.vaultId, key, { random, cost }));
  let keySource: KeySource = 'passphrase';
  let counted = { secrets: 0, versions: 0 };
  const fill = (write: (bytes: Buffer) => void) => {
    const header = { ...(wrapped ?? readHeader(database)), streamSalt: Buffer.from(random(SALT_BYTES)) };
    keySource = header.keySource;
    const clear = encodeBackupHeader(header);
    write(clear);
    const streamKey = deriveStreamKey(keys, clear);
    const writer = new SealedWriter(streamKey, write);
    const kept = entries.everything().filter(({ kind }) => kind !== KIND_NUMBER.consent);
    const heads = kept.filter(({ kind }) => kind === KIND_NUMBER.secret).map(({ text }) => decodeHead(text));
    const total = heads.reduce((sum, one) => sum + one.versions.length, 0);
    putFacts(writer, { madeAt: timeText(now), head: head ?? null, entries: kept.length, versions: total });
    for (const entry of kept) putEntry(writer, entry);
    let done = 0;
    for (const one of heads) {
      for (const { version } of one.versions) {
        const sealed = versions.sealed(one, version);
        const value = versions.open(one, version, sealed);
        onValue?.(value);
        value.fill(0);
        putVersion(writer, { secretId: one.secretId, version, sealed });
        onProgress?.(++done, total);
      }
    }
    writer.end();
    streamKey.fill(0);
    counted = { secrets: heads.length, versions: total };
  };
  const facts = writeWhole(
    file,
    random,
    (write) => database.read(() => fill(write)),
    (written) => beforePublish({ ...written, keySource }),
  );
  return { ...facts, keySource, ...counted };
}

/** HKDF-SHA256(backup subkey, salt = that of the stream, info = the whole header). */
export function deriveStreamKey(keys: Keys, header: Buffer): Buffer {
  return deriveKey(keys.for('backup'), header.subarray(144, 176), header.subarray(0, BACKUP_HEADER_BYTES));
}
