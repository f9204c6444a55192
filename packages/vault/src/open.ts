import { randomBytes } from 'node:crypto';
import type { Home } from '@hasp/core';
import { Database } from './database.ts';
import { wrongKey } from './failures.ts';
import { type Header, readHeader } from './header.ts';
import { KEY_NAME, type KeySource, requireSource, type UnlockKey } from './key-source.ts';
import { Keys } from './keys.ts';
import { Vault, type VaultPorts } from './vault.ts';
import { unwrapRoot, wrappingOf } from './wrapping.ts';

/** What can be known of a vault without a key. */
export interface VaultHeader {
  /** 32 hex digits. */
  readonly id: string;
  readonly keySource: KeySource;
  /** The key is HOME/vault.key, where `hasp init --key-file` without a path puts it. */
  readonly defaultKeyFile: boolean;
}

const HINT: Readonly<Record<KeySource, string>> = {
  passphrase: 'try again',
  'key-file': 'name the one that hasp init made: --key-file PATH, HASP_KEY_FILE',
  keyring: 'is it the keyring of whoever made the vault?',
};

/** A vault whose file is open and whose header is read, so that the right key can be asked for. */
export class LockedVault {
  readonly header: VaultHeader;
  readonly #database: Database;
  readonly #header: Header;
  readonly #ports: VaultPorts;

  /** @throws HaspError E_VAULT_MISSING, E_VAULT_CORRUPT, E_STORAGE */
  constructor(home: Home, ports: Partial<VaultPorts> = {}) {
    this.#ports = { random: randomBytes, clock: Date.now, ...ports };
    this.#database = new Database(home.vault);
    this.#header = this.#closingOnError(() => readHeader(this.#database));
    const { vaultId, keySource, defaultKeyFile } = this.#header;
    this.header = { id: vaultId.toString('hex'), keySource, defaultKeyFile };
  }

  /** With the 32 bytes of a key file or of the keyring. Closes the file if the key is wrong. @throws HaspError E_WRONG_KEY */
  unlockAtOnce(key: UnlockKey): Vault {
    return this.#closingOnError(() => {
      requireSource(key, this.#header.keySource);
      if (key.source === 'passphrase') throw new Error('a passphrase has to be stretched');
      return this.#unlock(key.bytes);
    });
  }

  /**
   * What opens this vault, out of what a person has: for handing over to a process that is not to stretch a
   * passphrase itself. The caller wipes it. @throws HaspError E_WRONG_KEY for a key of the other kind
   */
  async wrappingKey(key: UnlockKey): Promise<Uint8Array> {
    requireSource(key, this.#header.keySource);
    return wrappingOf(key, this.#header);
  }

  /** Whether these are the 32 bytes that unseal it: of several that might be. */
  opensWith(wrapping: Uint8Array): boolean {
    const root = unwrapRoot(this.#header, wrapping);
    root?.fill(0);
    return root !== undefined;
  }

  /** Closes the file if the key is wrong. @param wrapping from `wrappingKey`; wiped @throws HaspError E_WRONG_KEY */
  unlockWithWrappingKey(wrapping: Uint8Array): Vault {
    return this.#closingOnError(() => this.#unlockWiping(wrapping));
  }

  /** Closes the file if the passphrase is wrong. @throws HaspError E_WRONG_KEY */
  async unlockWithPassphrase(key: UnlockKey): Promise<Vault> {
    try {
      if (key.source !== 'passphrase') throw new Error('only a passphrase is stretched');
      return this.#unlockWiping(await this.wrappingKey(key));
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #unlockWiping(stretched: Uint8Array): Vault {
    try {
      return this.#unlock(stretched);
    } finally {
      stretched.fill(0);
    }
  }

  #unlock(wrapping: Uint8Array): Vault {
    const root = unwrapRoot(this.#header, wrapping);
    if (!root) {
      const { keySource } = this.#header;
      throw wrongKey(`the ${KEY_NAME[keySource]} does not open this vault`, HINT[keySource]);
    }
    return new Vault(this.#database, new Keys(root, this.#header.vaultId, this.#header.sealedRoot), this.#ports);
  }

  #closingOnError<T>(deed: () => T): T {
    try {
      return deed();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }
}

/** Without any key. @throws HaspError E_VAULT_MISSING, E_VAULT_CORRUPT, E_STORAGE */
export function readVaultHeader(home: Home): VaultHeader {
  const locked = new LockedVault(home);
  locked.close();
  return locked.header;
}

/** Synchronous: loads neither libsodium nor Argon2. @throws HaspError E_WRONG_KEY, E_VAULT_MISSING, E_VAULT_CORRUPT, E_STORAGE */
export function openVaultWithKeyFile(home: Home, key: UnlockKey, ports?: Partial<VaultPorts>): Vault {
  return new LockedVault(home, ports).unlockAtOnce(key);
}

/** @throws HaspError E_WRONG_KEY, E_VAULT_MISSING, E_VAULT_CORRUPT, E_STORAGE */
export async function openVaultWithPassphrase(home: Home, key: UnlockKey, ports?: Partial<VaultPorts>): Promise<Vault> {
  return new LockedVault(home, ports).unlockWithPassphrase(key);
}

/** A promise only where the key is a passphrase. @throws as the two above */
export function openVault(home: Home, key: UnlockKey, ports?: Partial<VaultPorts>): Vault | Promise<Vault> {
  return key.source === 'passphrase'
    ? openVaultWithPassphrase(home, key, ports)
    : new LockedVault(home, ports).unlockAtOnce(key);
}
