import type { Libc } from './libc.ts';
import { childrenOf, descendantsOf, type ProcessStat, readStat } from './proc.ts';
import { hasChildren } from './reaper.ts';

/**
 * Children that this process had before it started anything: a shell that execs hasp leaves it those
 * it had in the background or in a process substitution. They are not of the tree.
 */
export class KinBefore {
  readonly #startTimes = new Map<number, string>();

  constructor(libc: Libc) {
    if (!hasChildren(libc)) return;
    for (const pid of childrenOf('self')) this.#startTimes.set(pid, readStat(pid)?.startTime ?? '');
  }

  /** The live processes below `pid`, without those that were there before and what is below them. */
  without(pid: number | 'self'): ProcessStat[] {
    return descendantsOf(pid, (stat) => this.#startTimes.get(stat.pid) === stat.startTime);
  }

  /** Direct children, also those of which /proc says nothing more. */
  childrenWithout(pid: number | 'self'): number[] {
    return childrenOf(pid).filter((child) => !this.#startTimes.has(child));
  }

  /** Whether only they keep this process from being childless. */
  areAllThatIsLeft(): boolean {
    return this.#startTimes.size > 0 && this.without('self').length === 0;
  }
}
