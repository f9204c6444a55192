import type { Matcher } from '@hasp/match';

/** A value that was stored again as it was is told of once, under the newest version that has it. */
export function withPlainNames(matcher: Matcher): Matcher {
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
