import type { AuditMark, Home } from '@hasp/core';
import { layOut } from '../create.ts';
import { Database } from '../database.ts';
import { KIND_NUMBER } from '../entries.ts';
import { wrongKey } from '../failures.ts';
import { decodeHead, type Head } from '../head.ts';
import { INSIDE } from '../inside.ts';
import { KEY_NAME, requireSource, type UnlockKey } from '../key-source.ts';
import { Keys } from '../keys.ts';
import { makeTemporary, publish, removeLeftovers, removeTemporary } from '../new-file.ts';
import type { VaultHeader } from '../open.ts';
import { Vault, type VaultPorts } from '../vault.ts';
import type { Versions } from '../versions.ts';
import { unwrapRoot, wrappingOf } from '../wrapping.ts';
import { deriveStreamKey } from './back-up.ts';
import { type BodyFacts, takeEntry, takeFacts, takeVersion } from './body.ts';
import { backupCorrupt } from './failures.ts';
import { type FileFacts, WholeFile } from './file.ts';
import { BACKUP_HEADER_BYTES, type BackupHeader, decodeBackupHeader } from './header.ts';
import { SealedReader } from './stream.ts';

export interface RestoreOptions {
  /**
   * The vault is whole, under another name, and has a new audit chain without a record. Runs before its last change is
   * stored and before it gets its name; if it throws, there is no vault. The vault is not to be kept or closed.
   */
  readonly beforePublish: (vault: Vault, facts: RestoreFacts) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RestoreFacts extends FileFacts {
  /** RFC 3339. */
  readonly madeAt: string;
  /** The end of the audit log that the backup was made beside. */
  readonly head: AuditMark | undefined;
  readonly secrets: number;
  readonly versions: number;
  readonly agents: number;
}

/** A backup whose file is open and whose header is read, so that the right key can be asked for. */
export class LockedBackup {
  readonly header: VaultHeader;
  readonly #file: WholeFile;
  readonly #clear: Buffer;
  readonly #header: BackupHeader;
  #keys: Keys | undefined;

  /** @throws HaspError E_USAGE where it is no backup, E_STORAGE, E_VAULT_CORRUPT */
  constructor(file: string) {
    this.#file = new WholeFile(file);
    try {
      this.#clear = this.#file.read(BACKUP_HEADER_BYTES);
      this.#header = decodeBackupHeader(this.#clear);
    } catch (error) {
      this.#file.close();
      throw error;
    }
    const { vaultId, keySource, defaultKeyFile } = this.#header;
    this.header = { id: vaultId.toString('hex'), keySource, defaultKeyFile };
  }

  /** @throws HaspError E_WRONG_KEY */
  async unlock(key: UnlockKey): Promise<void> {
    requireSource(key, this.#header.keySource, 'backup');
    const wrapping = await wrappingOf(key, this.#header);
    const root = unwrapRoot(this.#header, wrapping);
    wrapping.fill(0);
    if (!root) {
      const named = KEY_NAME[key.source];
      throw wrongKey(`the ${named} does not open this backup`, 'it opens with the key that it was made with');
    }
    this.#keys = new Keys(root, this.#header.vaultId, this.#header.sealedRoot);
  }

  /**
   * Makes the vault in a home that has none: whole, with its last step, or not at all. Once, after `unlock`.
   * @throws HaspError E_VAULT_CORRUPT, E_EXISTS, E_STORAGE
   */
  restore(home: Home, ports: VaultPorts, options: RestoreOptions): RestoreFacts {
    const keys = this.#keys;
    if (!keys) throw new Error('the backup is locked');
    removeLeftovers(home);
    const temporary = makeTemporary(home, ports.random);
    try {
      const facts = this.#fill(temporary, keys, ports, options);
      publish(temporary, home);
      return facts;
    } finally {
      keys.wipe();
      removeTemporary(temporary);
    }
  }

  close(): void {
    this.#file.close();
  }

  #fill(path: string, keys: Keys, ports: VaultPorts, { beforePublish, onProgress }: RestoreOptions): RestoreFacts {
    const database = new Database(path);
    try {
      const vault = new Vault(database, keys, ports);
      // One change, in a journal that is undone: what is published has no second file beside it.
      const facts = database.transaction(() => {
        layOut(database, this.#header, keys, ports.random);
        const restored = this.#copy(vault, keys, onProgress);
        beforePublish(vault, restored);
        return restored;
      });
      database.keepWriteAheadLog();
      return facts;
    } finally {
      database.close();
    }
  }

  #copy(vault: Vault, keys: Keys, onProgress: RestoreOptions['onProgress']): RestoreFacts {
    const { entries, versions, random } = vault[INSIDE];
    const streamKey = deriveStreamKey(keys, this.#clear);
    const reader = new SealedReader(streamKey, (length) => this.#file.read(length));
    const facts: BodyFacts = takeFacts(reader);
    const all = Array.from({ length: facts.entries }, () => takeEntry(reader));
    entries.fill(all, random);
    for (let at = 0; at < facts.versions; at++) {
      const { secretId, version, sealed } = takeVersion(reader);
      versions.put(secretId, version, sealed);
      onProgress?.(this.#file.done, this.#file.size);
    }
    if (!reader.isAtEnd()) throw backupCorrupt('it does not end where it should');
    streamKey.fill(0);
    const ofKind = (kind: number) => all.filter((entry) => entry.kind === kind);
    const heads = ofKind(KIND_NUMBER.secret).map(({ text }) => decodeHead(text));
    requireEvery(versions, heads, facts.versions);
    const { madeAt, head } = facts;
    return {
      ...this.#file.facts(),
      madeAt,
      head: head ?? undefined,
      secrets: heads.length,
      versions: facts.versions,
      agents: ofKind(KIND_NUMBER.agent).length,
    };
  }
}

/** What the secrets name is there, opens, and is all there is. */
function requireEvery(versions: Versions, heads: readonly Head[], count: number): void {
  let found = 0;
  for (const head of heads) {
    for (const { version } of head.versions) {
      versions.read(head, version).fill(0);
      found++;
    }
  }
  if (found !== count) throw backupCorrupt('it holds a version that no secret names');
}
