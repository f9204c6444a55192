import { type Finder, makeFinder, makeMatcher, type NamedValue } from '@hasp/match';
import type { Vault } from '@hasp/vault';
import { managedMatcher } from './managed-matcher.ts';
import { withPlainNames } from './plain-names.ts';

/**
 * Finds every managed value, each under NAME, or NAME@N for an earlier version.
 * @param build of the match engine
 * @param more one value that is in no vault
 */
export function managedFinder(vault: Vault, build: string | undefined, more?: NamedValue): Finder {
  return makeFinder(withPlainNames(more === undefined ? managedMatcher(vault, build) : withMore(vault, more)));
}

function withMore(vault: Vault, more: NamedValue) {
  const managed = vault.everyValue();
  try {
    const values = managed.map(({ name, version, value }) => ({ name: `${name}@${version}`, bytes: value.reveal() }));
    return makeMatcher([...values, more]);
  } finally {
    for (const { value } of managed) value.wipe();
  }
}
