import { type AuditMark, type Clock, HaspError, parseName, type Random, type Reference, SecretValue } from '@hasp/core';
import { type Consent, decodeConsent, encodeConsent } from './consent.ts';
import type { Database } from './database.ts';
import { timeText } from './encoding.ts';
import { Entries } from './entries.ts';
import { secretMissing } from './failures.ts';
import { decodeHead, encodeHead, type Head, marked, newest, newHead, scopesName, type VersionFact } from './head.ts';
import { INSIDE, type VaultInside } from './inside.ts';
import { deriveAuditKey, type Keys } from './keys.ts';
import { type ListedSecret, type ListedVersion, listSecret, listVersion, versionOf } from './listing.ts';
import { MarkRow } from './mark.ts';
import { type Derivation, Sheaf } from './sheaf.ts';
import { sodiumCipher } from './sodium.ts';
import { Versions } from './versions.ts';

const MAX_VALUE_BYTES = 64 * 1024 * 1024;

/** Runs inside the change, after its rows are written and before it is stored; if it throws, nothing happened. */
export interface ChangeOptions {
  readonly beforeCommit?: (version: number) => void;
}

export interface AddOptions extends ChangeOptions {
  /** The value is no secret: it is not looked for. */
  readonly placeholder?: boolean;
}

/** What an open vault uses of the world. */
export interface VaultPorts {
  readonly random: Random;
  readonly clock: Clock;
}

/**
 * An open vault. Every method may throw HaspError E_STORAGE (disk, lock, rights) and E_VAULT_CORRUPT (the
 * file holds what hasp did not write).
 */
export class Vault {
  /** 32 hex digits. */
  readonly id: string;
  readonly #database: Database;
  readonly #keys: Keys;
  readonly #ports: VaultPorts;
  readonly #entries: Entries;
  readonly #versions: Versions;
  readonly #mark: MarkRow;
  readonly #sheaf: Sheaf;
  #mustErase = false;
  #erasePending = false;

  /** Takes ownership of `database` and `keys`. */
  constructor(database: Database, keys: Keys, ports: VaultPorts) {
    this.id = keys.vaultId.toString('hex');
    this.#database = database;
    this.#keys = keys;
    this.#ports = ports;
    this.#entries = new Entries(database, keys);
    this.#versions = new Versions(database, keys);
    this.#mark = new MarkRow(database, keys);
    this.#sheaf = new Sheaf(database, keys, this.#entries, this.#versions, ports.random);
  }

  /** The newest version, or the one asked for, with the `state` of the vault at that moment. @throws HaspError E_SECRET_MISSING */
  get(reference: Reference): { version: number; value: SecretValue; placeholder: boolean; state: Uint8Array } {
    return this.#database.read(() => {
      const head = this.#head(reference.name);
      const { version, placeholder } = listVersion(versionOf(head, reference.version));
      const value = new SecretValue(this.#versions.read(head, version));
      return { version, value, placeholder, state: this.#entries.stamps() };
    });
  }

  /** Different after any change of any entry. */
  state(): Buffer {
    return this.#database.read(() => this.#entries.stamps());
  }

  /** Adds a version, of a new name the first. Returns its number. @throws HaspError E_NAME_INVALID, E_USAGE */
  async set(name: string, value: Uint8Array, options: AddOptions = {}): Promise<number> {
    return this.#addVersion(parseName(name), value, { ...options, mustExist: false, forget: false });
  }

  /** Adds a version to a name that exists; with `forget` the earlier ones are destroyed. @throws HaspError E_SECRET_MISSING */
  async rotate(name: string, value: Uint8Array, options: AddOptions & { readonly forget: boolean }): Promise<number> {
    return this.#addVersion(name, value, { ...options, mustExist: true });
  }

  async #addVersion(
    name: string,
    value: Uint8Array,
    options: AddOptions & { readonly mustExist: boolean; readonly forget: boolean },
  ): Promise<number> {
    if (value.length > MAX_VALUE_BYTES) throw new HaspError('E_USAGE', 'a value can have 64 MiB at most');
    const cipher = await sodiumCipher();
    return this.transaction(() => {
      const head = this.#findHead(name) ?? (options.mustExist ? undefined : newHead(name, this.#ports.random));
      if (!head) throw secretMissing(name);
      const version = head.next;
      const added = marked({ version, createdAt: this.#ports.clock() }, options.placeholder === true);
      this.#versions.add(head, version, value, cipher, this.#ports.random);
      if (options.forget) this.#forget(head, head.versions);
      this.#putHead({ ...head, next: version + 1, versions: options.forget ? [added] : [...head.versions, added] });
      options.beforeCommit?.(version);
      return version;
    });
  }

  /** Whether that version, or the newest, is a placeholder from now on. Returns its number. @throws HaspError E_SECRET_MISSING */
  setPlaceholder(reference: Reference, placeholder: boolean, options: ChangeOptions = {}): number {
    return this.transaction(() => {
      const head = this.#head(reference.name);
      const changed = versionOf(head, reference.version);
      const versions = head.versions.map((one) => (one === changed ? marked(one, placeholder) : one));
      this.#putHead({ ...head, versions });
      options.beforeCommit?.(changed.version);
      return changed.version;
    });
  }

  /** Every version of every secret but placeholders; whoever takes the values wipes them. */
  everyValue(): { name: string; version: number; value: SecretValue }[] {
    const values = this.#sheaf.values();
    return values.map(({ name, version, bytes }) => ({ name, version, value: new SecretValue(bytes) }));
  }

  /** What is made of all values but placeholders, and kept sealed until any entry changes. `make` may not keep the values. */
  derived<T>(derivation: Derivation<T>): T {
    return this.#sheaf.derived(derivation);
  }

  /** Sorted by name. */
  list(): ListedSecret[] {
    const heads = this.#database.read(() => this.#entries.all('secret').map(decodeHead));
    return heads.map(listSecret).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The versions there are, oldest first. @throws HaspError E_SECRET_MISSING */
  history(name: string): ListedVersion[] {
    return this.#database.read(() => this.#head(name)).versions.map(listVersion);
  }

  /**
   * Destroys one version, or the secret; with its last version the secret goes too. `beforeCommit` gets the
   * version asked for, or the newest. @throws HaspError E_SECRET_MISSING
   */
  remove(name: string, version?: number, options: ChangeOptions = {}): void {
    this.transaction(() => {
      const head = this.#head(name);
      versionOf(head, version);
      const gone = head.versions.filter((one) => version === undefined || one.version === version);
      const kept = head.versions.filter((one) => !gone.includes(one));
      this.#forget(head, gone);
      if (kept.length > 0) this.#putHead({ ...head, versions: kept });
      else {
        this.#entries.remove('secret', name, this.#ports.random);
        this.#entries.remove('scopes', scopesName(head), this.#ports.random);
      }
      options.beforeCommit?.(version ?? newest(head).version);
    });
  }

  /** The id of the audit chain that belongs to this vault: 32 hex digits. */
  chain(): string {
    return this.#mark.read().chain;
  }

  /** The chain's first sealing key, 32 bytes; the caller wipes it. */
  auditKey(): Uint8Array {
    return deriveAuditKey(this.#keys.for('audit'), Buffer.from(this.chain(), 'hex'));
  }

  /** The last record that a hasp with this vault open has seen; undefined before the first. */
  mark(): AuditMark | undefined {
    const mark = this.#mark.read();
    return mark.seq === 0 ? undefined : mark;
  }

  /** Only forward: an older mark changes nothing. @throws HaspError E_CHAIN_BROKEN for another chain or a fork. */
  writeMark(mark: AuditMark): void {
    if (this.#database.inTransaction) this.#mark.advance(mark);
    else this.#database.transactionUnsynced(() => this.#mark.advance(mark));
  }

  /** Replaces an earlier consent to that root. */
  trust(root: string, manifestHash: string, names: readonly string[]): void {
    const consent = { manifestHash, names, trustedAt: timeText(this.#ports.clock()) };
    this.transaction(() => this.#entries.put('consent', root, encodeConsent(consent), this.#ports.random));
  }

  /** False if there was no consent. */
  untrust(root: string): boolean {
    return this.transaction(() => {
      if (!this.#entries.find('consent', root)) return false;
      this.#entries.remove('consent', root, this.#ports.random);
      return true;
    });
  }

  consent(root: string): Consent | undefined {
    const text = this.#database.read(() => this.#entries.find('consent', root));
    return text && decodeConsent(text);
  }

  /** For what this package keeps besides secrets and consents. */
  get [INSIDE](): VaultInside {
    const of = { database: this.#database, entries: this.#entries, versions: this.#versions, mark: this.#mark };
    const mustErase = () => {
      this.#mustErase = true;
    };
    return { ...this.#ports, ...of, keys: this.#keys, mustErase };
  }

  /** All changes that `deed` makes are stored, or none if it throws. Nests. `deed` can't wait for a promise. */
  transaction<T>(deed: () => T): T {
    try {
      const result = this.#database.transaction(deed);
      if (this.#mustErase && !this.#database.inTransaction) this.#erase();
      return result;
    } finally {
      if (!this.#database.inTransaction) this.#mustErase = false;
    }
  }

  /**
   * True if what the last removal destroyed may still stand in vault.db-wal, because another process was
   * reading for too long. The removal itself stands; the next one, or the last process to close, erases it.
   */
  get erasePending(): boolean {
    return this.#erasePending;
  }

  /** Until `close`. */
  get isOpen(): boolean {
    return this.#database.isOpen;
  }

  /** Wipes the keys. A process about to exit may leave this out: nothing is lost. */
  close(): void {
    this.#keys.wipe();
    this.#database.close();
  }

  #erase(): void {
    try {
      this.#erasePending = !this.#database.erase();
    } catch {
      // The change is stored already; an error now would say that it is not.
      this.#erasePending = true;
    }
  }

  #forget(head: Head, versions: readonly VersionFact[]): void {
    for (const { version } of versions) this.#versions.remove(head, version);
    this.#mustErase = true;
  }

  #findHead(name: string): Head | undefined {
    const text = this.#entries.find('secret', name);
    return text && decodeHead(text);
  }

  #head(name: string): Head {
    const head = this.#findHead(name);
    if (head) return head;
    throw secretMissing(name);
  }

  #putHead(head: Head): void {
    this.#entries.put('secret', head.name, encodeHead(head), this.#ports.random);
  }
}
