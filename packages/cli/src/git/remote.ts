/** What the configuration says of remotes: `name → key → values`, keys without `remote.NAME.`, in lower case. */
export type Remotes = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Of `git config -z --get-regexp ^remote\.`: KEY newline VALUE NUL. */
export function parseRemotes(output: string): Remotes {
  const remotes = new Map<string, Map<string, string[]>>();
  for (const entry of output.split('\0')) {
    const newline = entry.indexOf('\n');
    const key = newline < 0 ? entry : entry.slice(0, newline);
    const [, name, last] = /^remote\.(.*)\.([^.]+)$/s.exec(key) ?? [];
    if (name === undefined || last === undefined) continue;
    const remote = remotes.get(name) ?? new Map<string, string[]>();
    remotes.set(name, remote.set(last, [...(remote.get(last) ?? []), newline < 0 ? '' : entry.slice(newline + 1)]));
  }
  return remotes;
}

/**
 * Whether refs/remotes/NAME/ tells what the repository at `url` has. It does not where one pushes to
 * a URL, to another place than one fetches from, or where another remote's branches are kept there too.
 */
export function isTracked(name: string, url: string, remotes: Remotes): boolean {
  if (name === url || !/^[A-Za-z0-9._][A-Za-z0-9._/-]*$/.test(name)) return false;
  const remote = remotes.get(name);
  if (remote === undefined) return false;
  const urls = remote.get('url') ?? [];
  const isOnlyPlace = urls.length <= 1 && (remote.get('pushurl') ?? []).length === 0;
  if (!isOnlyPlace && urls[0] !== url) return false;
  return ![...remotes].some(([other, settings]) => other !== name && keepsBelow(name, other, settings));
}

function keepsBelow(name: string, other: string, settings: ReadonlyMap<string, readonly string[]>): boolean {
  const folder = `refs/remotes/${name}/`;
  return (
    other.startsWith(`${name}/`) || (settings.get('fetch') ?? []).some((refspec) => refspec.includes(`:${folder}`))
  );
}
