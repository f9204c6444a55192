/** One process of a tree, for display. */
export interface ListedProcess {
  readonly pid: number;
  readonly ppid: number;
  /** Its name, not its arguments: those may hold what it was given. */
  readonly command: string;
  /** When it started, milliseconds since 1970, where the platform tells. */
  readonly startedAt?: number;
}

/**
 * Everything below a process, parents before children, by one look at the process table (ps-list).
 * For display only: what forks meanwhile may be missed.
 */
export async function listTree(top: number): Promise<ListedProcess[]> {
  const { default: psList } = await import('ps-list');
  const byParent = new Map<number, ListedProcess[]>();
  for (const { pid, ppid, name, startTime } of await psList()) {
    const entry = { pid, ppid, command: name, ...(startTime === undefined ? {} : { startedAt: startTime.getTime() }) };
    byParent.set(ppid, [...(byParent.get(ppid) ?? []), entry]);
  }
  const below = (pid: number): ListedProcess[] =>
    (byParent.get(pid) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(top);
}
