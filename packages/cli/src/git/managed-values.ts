import type { NamedValue } from '@hasp/match';
import type { Vault } from '@hasp/vault';

/** Every version of every secret: an earlier one is still readable, as NAME@N, and is named so. */
export interface ManagedValues {
  readonly values: readonly NamedValue[];
  wipe(): void;
}

export function managedValues(vault: Vault): ManagedValues {
  const all = vault.everyValue();
  const newest = new Map<string, number>();
  for (const { name, version } of all) newest.set(name, Math.max(version, newest.get(name) ?? 0));
  const named = new Map<string, NamedValue[]>();
  for (const { name, version, value } of all.sort((a, b) => b.version - a.version)) {
    const bytes = value.reveal();
    const earlier = named.get(name) ?? [];
    // Stored again as it was: the newest version that has it gives the name.
    if (earlier.some((known) => Buffer.compare(known.bytes, bytes) === 0)) continue;
    earlier.push({ name: newest.get(name) === version ? name : `${name}@${version}`, bytes });
    named.set(name, earlier);
  }
  return {
    values: [...named.values()].flat(),
    wipe: () => {
      for (const { value } of all) value.wipe();
    },
  };
}
