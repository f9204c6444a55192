import type { Matcher } from '@hasp/match';

/** The names of values that are too short to have a spelling that is looked for. */
export function unwatchedIn({ names, kinds, owners, sharers }: Matcher): string[] {
  const watched = new Set([...owners.subarray(0, kinds.length), ...[...sharers.values()].flat()]);
  return names.flatMap((group, value) => (watched.has(value) ? [] : group));
}
