import type { Database } from './database.ts';
import type { Entries, EntryKind } from './entries.ts';
import type { Keys } from './keys.ts';
import type { MarkRow } from './mark.ts';
import type { Vault, VaultPorts } from './vault.ts';
import type { Versions } from './versions.ts';

/** Opens a vault to the files beside it: not named by the index. */
export const INSIDE = Symbol('inside');

export interface VaultInside extends VaultPorts {
  readonly database: Database;
  readonly entries: Entries;
  readonly versions: Versions;
  readonly keys: Keys;
  readonly mark: MarkRow;
  /** What the present transaction replaces is to be gone from every byte of the files after it. */
  mustErase(): void;
}

/** The texts of one kind, each under its name. Reads by themselves; changes within a transaction of the vault. */
export interface Texts {
  find(name: string): Buffer | undefined;
  /** In no order. */
  all(): Buffer[];
  put(name: string, text: Buffer): void;
  remove(name: string): void;
  /** Another one after any change of any entry, of this kind or another, whoever made it. */
  stamp(): Buffer;
}

export function textsOf(vault: Vault, kind: EntryKind): Texts {
  const { database, entries, random } = vault[INSIDE];
  return {
    find: (name) => database.read(() => entries.find(kind, name)),
    all: () => database.read(() => entries.all(kind)),
    put: (name, text) => entries.put(kind, name, text, random),
    remove: (name) => entries.remove(kind, name, random),
    stamp: () => entries.stamps(),
  };
}
