import { constants } from 'node:os';
import type { ProcessIdentity, Survivor } from '@hasp/core';
import { endAll, sendTo } from './ending.ts';
import type { ExitStatus } from './exit-status.ts';
import { identityFrom, identityOf } from './identity.ts';
import { type Libc, loadLibc } from './libc.ts';
import { superviseByLooking } from './platform/portable.ts';
import { descendantsOf, printableName, readStat } from './proc.ts';
import { reapChildren } from './reaper.ts';
import { spawnProcess } from './spawn.ts';
import { openStdio } from './stdio.ts';
import { terminalSignalled } from './signals.ts';
import type { TreeEnd, TreeSpec } from './tree-spec.ts';

const { SIGCONT } = constants.signals;
const WARN_BEFORE_MS = 5 * 60_000;
/** Timers do not run while a machine sleeps, so the clock is looked at now and then. */
const CLOCK_CHECK_MS = 30_000;

/**
 * Starts the command and stays until its tree has ended as the straggler policy says. The child's
 * streams, group, terminal, ignored signals, descriptors and limits are what they would be without hasp.
 * @throws SpawnFailure (E_SPAWN) if the command can't be started
 */
export async function superviseTree(spec: TreeSpec): Promise<TreeEnd> {
  const libc = spec.tracking === 'full' ? loadLibc() : undefined;
  return libc ? superviseByKernel(libc, spec) : superviseByLooking(spec);
}

async function superviseByKernel(libc: Libc, spec: TreeSpec): Promise<TreeEnd> {
  const stdio = openStdio(libc, spec);
  const tree = new Tree(libc, spec);
  let root: ProcessIdentity;
  try {
    root = tree.spawn(stdio.childEnds);
  } catch (error) {
    tree.close();
    await stdio.abandon();
    throw error;
  }
  try {
    stdio.afterSpawn();
    const { exit, cause } = await tree.rootEnd();
    const survivors = await tree.settleStragglers(cause);
    await stdio.drain();
    return { root, exit, cause, survivors };
  } finally {
    tree.close();
  }
}

type Cause = TreeEnd['cause'];

/** One supervised tree, from its spawn until nobody is left or it is let go. */
class Tree {
  readonly #libc: Libc;
  readonly #spec: TreeSpec;
  readonly #waiting = new Set<() => void>();
  readonly #onChild = (): void => this.#reap();
  #root: ProcessIdentity | undefined;
  #exit: ExitStatus | undefined;
  #empty = false;
  #endNow: 'ttl' | 'aborted' | undefined;
  #members = '';
  #timer: NodeJS.Timeout | undefined;
  #warned = false;

  constructor(libc: Libc, spec: TreeSpec) {
    this.#libc = libc;
    this.#spec = spec;
    process.on('SIGCHLD', this.#onChild);
  }

  spawn(stdio: readonly [number | undefined, number | undefined, number | undefined]): ProcessIdentity {
    const pid = spawnProcess(this.#libc, { ...this.#spec, stdio });
    // Not reaped yet, so it is in /proc even if it has ended already.
    const stat = readStat(pid);
    if (!stat) throw new Error('the new process is not in /proc');
    const root = identityFrom(stat);
    this.#root = root;
    this.#spec.onSpawned(root);
    this.#reportMembers();
    this.#spec.signals.deliverTo((signal, early) => {
      if (early || !terminalSignalled(signal, root.pid)) this.#forward(constants.signals[signal]);
    });
    this.#spec.abort?.addEventListener('abort', () => this.#end('aborted'));
    if (this.#spec.abort?.aborted) this.#end('aborted');
    this.#watchClock();
    this.#reap();
    return root;
  }

  /** Resolves when the command has ended, by itself or by ttl or abort together with its whole tree. */
  async rootEnd(): Promise<{ exit: ExitStatus; cause: Cause }> {
    while (!this.#exit && !this.#endNow) await this.#change();
    const endedEarly = this.#endNow;
    if (endedEarly && !this.#exit) {
      await endAll(this.#doomed(), this.#spec.graceMs);
      return { exit: this.#exit ?? { signal: 'SIGKILL' }, cause: endedEarly };
    }
    const exit = this.#exit ?? { code: 0 };
    return { exit, cause: 'signal' in exit ? 'signalled' : 'exited' };
  }

  async settleStragglers(cause: Cause): Promise<Survivor[]> {
    if (this.#empty) return [];
    if (this.#spec.stragglers === 'wait') {
      while (!this.#empty && !this.#endNow) await this.#change();
      if (this.#empty) return [];
    } else if (this.#spec.stragglers === 'leave' && cause !== 'ttl' && cause !== 'aborted') {
      return descendantsOf('self').map(({ pid, name }) => ({ pid, command: printableName(name), outcome: 'left' }));
    }
    return endAll(this.#doomed(), this.#spec.graceMs);
  }

  close(): void {
    process.off('SIGCHLD', this.#onChild);
    clearInterval(this.#timer);
  }

  #reap(): void {
    let changed = false;
    const alive = reapChildren(this.#libc, (event) => {
      if ('stoppedBy' in event) {
        if (event.pid === this.#root?.pid) this.#stopAlong(event.stoppedBy);
        return;
      }
      changed = true;
      if (event.pid === this.#root?.pid) this.#exit = event.ended;
    });
    this.#empty = !alive;
    if (changed) this.#reportMembers();
    this.#wake();
  }

  /** The command stopped itself on a terminal where we are in the foreground: the shell must see it. */
  #stopAlong(signal: number): void {
    const self = readStat('self');
    if (!self || self.terminal === 0 || self.foregroundGroup !== self.group) return;
    process.kill(process.pid, signal);
    // Continued: so must the command be.
    if (this.#root) sendTo(this.#root, SIGCONT);
  }

  #forward(signal: number): void {
    if (!this.#root) return;
    if (!this.#exit) sendTo(this.#root, signal);
    else for (const stat of descendantsOf('self')) sendTo(identityFrom(stat), signal);
  }

  #watchClock(): void {
    const left = this.#spec.expiresAt - this.#spec.clock();
    if (left <= 0) return this.#end('ttl');
    if (left <= WARN_BEFORE_MS && !this.#warned) {
      this.#warned = true;
    }
    this.#timer = setTimeout(() => this.#watchClock(), Math.min(left, CLOCK_CHECK_MS));
  }

  #end(cause: 'ttl' | 'aborted'): void {
    this.#endNow ??= cause;
    this.#wake();
  }

  #doomed() {
    return {
      members: (): ProcessIdentity[] => {
        if (this.#empty) return [];
        return descendantsOf('self').map(identityFrom);
      },
      settle: (ms: number): Promise<void> => this.#change(ms),
    };
  }

  #reportMembers(): void {
    const members = descendantsOf('self').map(identityFrom);
    const key = members.map(({ pid, startTime }) => `${pid}:${startTime}`).join();
    if (key === this.#members) return;
    this.#members = key;
    this.#spec.onMembers(members);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #change(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      if (ms !== undefined) timer = setTimeout(wake, ms);
    });
  }
}
