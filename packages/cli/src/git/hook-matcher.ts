import { managedMatcher } from '@hasp/broker';
import { type Matcher, makeMatcher } from '@hasp/match';
import type { Vault } from '@hasp/vault';
import { ENGINE } from '../version.ts';
import { CANARY_NAME } from './fire.ts';
import { managedValues } from './managed-values.ts';

/** Finds every managed value, each under NAME, or NAME@N for an earlier version; with a canary also that. */
export function hookMatcher(vault: Vault, canary: string): Matcher {
  if (canary === '') return withPlainNames(managedMatcher(vault, ENGINE));
  const { values, wipe } = managedValues(vault);
  try {
    return makeMatcher([...values, { name: CANARY_NAME, bytes: Buffer.from(canary) }]);
  } finally {
    wipe();
  }
}

/** A value that was stored again as it was is told of once, under the newest version that has it. */
function withPlainNames(matcher: Matcher): Matcher {
  const newest = new Map<string, number>();
  for (const [name, version] of matcher.names.flat().map(split))
    newest.set(name, Math.max(version, newest.get(name) ?? 0));
  const names = matcher.names.map((group) => {
    const versions = new Map<string, number>();
    for (const [name, version] of group.map(split)) versions.set(name, Math.max(version, versions.get(name) ?? 0));
    return [...versions].map(([name, version]) => (newest.get(name) === version ? name : `${name}@${version}`));
  });
  return { ...matcher, names };
}

function split(name: string): [string, number] {
  const at = name.lastIndexOf('@');
  return [name.slice(0, at), Number(name.slice(at + 1))];
}
