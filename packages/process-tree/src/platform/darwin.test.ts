import type { ProcessIdentity } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { type Libproc, type UniqueIds, watchUnique } from './darwin.ts';

/** pid → [its unique id, that of its parent]. */
type Processes = Readonly<Record<number, readonly [number, number]>>;

class FakeLibproc implements Libproc {
  #now: Processes = {};

  become(processes: Processes): this {
    this.#now = processes;
    return this;
  }

  pids(): number[] {
    return Object.keys(this.#now).map(Number);
  }

  idsOf(pid: number): UniqueIds | undefined {
    const ids = this.#now[pid];
    return ids && { own: BigInt(ids[0]), parent: BigInt(ids[1]) };
  }
}

const identify = (pid: number): ProcessIdentity => ({ pid, startTime: '1', bootId: 'boot', pidNamespace: 'host' });

describe('a tree by unique ids', () => {
  const watch = (libproc: Libproc) => {
    const look = watchUnique(libproc, [identify(10)], identify);
    return async () => (await look()).map(({ pid }) => pid).sort((a, b) => a - b);
  };

  it('holds what descends from it, in whatever order it is listed, and nobody else', async () => {
    const libproc = new FakeLibproc().become({ 5: [102, 101], 6: [101, 100], 10: [100, 1], 11: [103, 1] });
    expect(await watch(libproc)()).toEqual([5, 6, 10]);
  });

  it('holds an orphan whose parent was seen, and what the orphan starts', async () => {
    const libproc = new FakeLibproc().become({ 10: [100, 1], 11: [101, 100] });
    const look = watch(libproc);
    await look();
    libproc.become({ 12: [102, 101] });
    expect(await look()).toEqual([12]);
    libproc.become({ 13: [103, 102] });
    expect(await look()).toEqual([13]);
  });

  it('does not take over a pid that is used again', async () => {
    const libproc = new FakeLibproc().become({ 10: [100, 1], 11: [101, 100] });
    const look = watch(libproc);
    await look();
    libproc.become({ 10: [200, 1], 11: [201, 200] });
    expect(await look()).toEqual([]);
  });
});
