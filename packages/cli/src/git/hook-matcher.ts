import { managedMatcher } from '@hasp/broker';
import { type Matcher, makeMatcher } from '@hasp/match';
import type { Vault } from '@hasp/vault';
import { ENGINE } from '../version.ts';
import { CANARY_NAME } from './fire.ts';

/** Finds every managed value, each under NAME, or NAME@N for an earlier version; with a canary also that. */
export function hookMatcher(vault: Vault, canary: string): Matcher {
  return withPlainNames(canary === '' ? managedMatcher(vault, ENGINE) : withCanary(vault, canary));
}

function withCanary(vault: Vault, canary: string): Matcher {
  const managed = vault.everyValue();
  try {
    const values = managed.map(({ name, version, value }) => ({ name: `${name}@${version}`, bytes: value.reveal() }));
    return makeMatcher([...values, { name: CANARY_NAME, bytes: Buffer.from(canary) }]);
  } finally {
    for (const { value } of managed) value.wipe();
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

/** What has no version is the newest of its name. */
function split(name: string): [string, number] {
  const at = name.lastIndexOf('@');
  if (at < 0) return [name, Number.POSITIVE_INFINITY];
  return [name.slice(0, at), Number(name.slice(at + 1))];
}
