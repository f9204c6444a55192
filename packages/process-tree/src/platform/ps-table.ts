import type { ProcessTable } from './process-table.ts';
import { identifyByPs, identitiesOf, isAliveByPs, livingOf, nameByPs, rowsOf } from './ps.ts';

/** Where there is no /proc: ps(1). A look costs tens of milliseconds of CPU, and environments can't be read. */
export const psTable: ProcessTable = {
  lookEveryMs: 500,
  identify: identifyByPs,
  isAlive: isAliveByPs,
  nameOf: nameByPs,
  isSignalledByTerminal: (signal, pid) => {
    if (signal !== 'SIGINT' && signal !== 'SIGQUIT') return false;
    const [self, child] = [rowsOf([process.pid])[0], rowsOf([pid])[0]];
    return self !== undefined && self.foregroundGroup === self.group && child?.group === self.group;
  },
  watch: (first) => {
    let known = first;
    return async () => {
      known = livingOf(known);
      const pids = new Set(known.map(({ pid }) => pid));
      const found = (await pidsBelow(pids)).filter((pid) => !pids.has(pid) && pid !== process.pid);
      if (found.length > 0) known = [...known, ...identitiesOf(rowsOf(found).filter(({ isDead }) => !isDead))];
      return known;
    };
  },
};

/** Of what ps-list shows; it says nothing of zombies, so who lives is asked again. */
async function pidsBelow(tops: ReadonlySet<number>): Promise<number[]> {
  const { default: psList } = await import('ps-list');
  const byParent = new Map<number, number[]>();
  for (const { pid, ppid } of await psList()) byParent.set(ppid, [...(byParent.get(ppid) ?? []), pid]);
  const found = new Set<number>();
  const queue = [...tops];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const child of byParent.get(next) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      queue.push(child);
    }
  }
  return [...found];
}
