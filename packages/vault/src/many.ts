import { decodeHead, encodeHead, type Head, newest, newHead } from './head.ts';
import { INSIDE } from './inside.ts';
import { sodiumCipher } from './sodium.ts';
import type { Vault } from './vault.ts';

/** What there is under a name. */
export interface PresentSecret {
  readonly version: number;
  /** The number that the next version gets. */
  readonly next: number;
}

/** Those of the names that there are. */
export type PresentSecrets = ReadonlyMap<string, PresentSecret>;

export interface NewValue {
  /** Valid, and each once. */
  readonly name: string;
  readonly value: Uint8Array;
}

export interface SetManyOptions {
  /** Which of them to store, now that nobody else writes. If it throws, nothing happened. */
  readonly choose: (present: PresentSecrets) => readonly NewValue[];
  /** As of `ChangeOptions`; `stored` in the order of `choose`. */
  readonly beforeCommit: (stored: readonly { readonly name: string; readonly version: number }[]) => void;
  /** After each value. */
  readonly onStored?: (count: number) => void;
}

export function presentSecrets(vault: Vault, names: readonly string[]): PresentSecrets {
  return new Map([...headsOf(vault, names)].map(([name, head]) => [name, present(head)]));
}

/** Adds a version to each, of a new name the first: all or none. Throws as `Vault.set`, and what the options throw. */
export async function setMany(vault: Vault, names: readonly string[], options: SetManyOptions): Promise<void> {
  const cipher = await sodiumCipher();
  const { entries, versions, random, clock } = vault[INSIDE];
  vault.transaction(() => {
    const heads = headsOf(vault, names);
    const chosen = options.choose(new Map([...heads].map(([name, head]) => [name, present(head)])));
    if (chosen.length === 0) return;
    const createdAt = clock();
    const changed = chosen.map(({ name, value }, index): Head => {
      const head = heads.get(name) ?? newHead(name, random);
      versions.add(head, head.next, value, cipher, random);
      options.onStored?.(index + 1);
      return { ...head, next: head.next + 1, versions: [...head.versions, { version: head.next, createdAt }] };
    });
    entries.putMany(
      'secret',
      changed.map((head) => [head.name, encodeHead(head)]),
      random,
    );
    options.beforeCommit(changed.map((head) => ({ name: head.name, version: newest(head).version })));
  });
}

/** Opens every bucket, once. */
function headsOf(vault: Vault, names: readonly string[]): Map<string, Head> {
  const { database, entries } = vault[INSIDE];
  const wanted = new Set(names);
  const heads = database.read(() => entries.all('secret')).map(decodeHead);
  return new Map(heads.filter(({ name }) => wanted.has(name)).map((head) => [head.name, head]));
}

function present(head: Head): PresentSecret {
  return { version: newest(head).version, next: head.next };
}
