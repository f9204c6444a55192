import type { ProcessIdentity } from '@hasp/core';
import { describeProcess } from '../describe-process.ts';
import { identityFrom, isAlive } from '../identity.ts';
import { watchMarked } from '../marked.ts';
import { descendantsOf, readStat } from '../proc.ts';
import { terminalSignalled } from '../signals.ts';
import type { ProcessTable } from './process-table.ts';

/** By /proc: 100 ms, and the mark, which also finds what has left the tree between two looks. */
export const procTable: ProcessTable = {
  lookEveryMs: 100,
  identify: (pid) => {
    const stat = readStat(pid);
    return stat && identityFrom(stat);
  },
  isAlive,
  nameOf: describeProcess,
  isSignalledByTerminal: terminalSignalled,
  watch: (first, run) => {
    let known = first;
    const look = run === undefined ? undefined : watchMarked(`HASP_GRANT=${run}`);
    return async () => {
      known = withDescendants([...known.filter((one) => isAlive(one) === true), ...(look?.().marked ?? [])]);
      return known;
    };
  },
};

/** Each process once; those below another of them are not climbed down again. */
function withDescendants(tops: readonly ProcessIdentity[]): ProcessIdentity[] {
  const found = new Map(tops.map((identity) => [identity.pid, identity]));
  const below = new Set<number>([process.pid]);
  for (const { pid } of tops) {
    if (below.has(pid)) continue;
    for (const stat of descendantsOf(pid, (one) => below.has(one.pid))) {
      below.add(stat.pid);
      found.set(stat.pid, identityFrom(stat));
    }
  }
  return [...found.values()];
}
