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
  return {
    values: all.map(({ name, version, value }) => ({
      name: newest.get(name) === version ? name : `${name}@${version}`,
      bytes: value.reveal(),
    })),
    wipe: () => {
      for (const { value } of all) value.wipe();
    },
  };
}
