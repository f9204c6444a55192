/** One process of a tree, for display. */
export interface ListedProcess {
  readonly pid: number;
  readonly ppid: number;
  /** Its name, not its arguments: those may hold what it was given. */
  readonly command: string;
  /** When it started, milliseconds since 1970, where the platform tells. */
  readonly startedAt?: number;
}

/** As `listTrees`, for one. */
export async function listTree(top: number): Promise<ListedProcess[]> {
  const [tree] = await listTrees([top]);
  return tree ?? [];
}

/**
 * Everything below each of the processes, parents before children, by one look at the process table (ps-list).
 * For display only: what forks meanwhile may be missed.
 */
export async function listTrees(tops: readonly number[]): Promise<ListedProcess[][]> {
  if (tops.length === 0) return [];
  const { default: psList } = await import('ps-list');
  const byParent = new Map<number, ListedProcess[]>();
  for (const { pid, ppid, name, startTime } of await psList()) {
    const entry = { pid, ppid, command: name, ...(startTime === undefined ? {} : { startedAt: startTime.getTime() }) };
    const siblings = byParent.get(ppid);
    if (siblings === undefined) byParent.set(ppid, [entry]);
    else siblings.push(entry);
  }
  const below = (pid: number): ListedProcess[] =>
    (byParent.get(pid) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return tops.map(below);
}
