import { constants } from 'node:os';
import { formatDuration, type ProcessIdentity, type Survivor } from '@hasp/core';
import { type Doomed, endAll, sendTo } from '../ending.ts';
import type { ExitStatus } from '../exit-status.ts';
import type { ForwardedSignal } from '../signals.ts';
import type { TreeEnd, TreeSpec } from '../tree-spec.ts';
import type { Subprocess } from './portable.ts';
import type { ProcessTable } from './process-table.ts';

const WARN_BEFORE_MS = 5 * 60_000;

/** A tree that is followed by looks at the process table, and by the end of its root, which Node tells. */
export class LookedAtTree implements Doomed {
  readonly table: ProcessTable;
  readonly #spec: TreeSpec;
  readonly #child: Subprocess;
  readonly #root: ProcessIdentity;
  readonly #exited: Promise<ExitStatus>;
  readonly #look: () => Promise<readonly ProcessIdentity[]>;
  #exit: ExitStatus | undefined;
  #live: readonly ProcessIdentity[];
  #fault: { readonly error: unknown } | undefined;
  #warned: boolean;
  #rouse: () => void = () => {};

  /** @throws Error where the process table does not show the child */
  constructor(spec: TreeSpec, table: ProcessTable, child: Subprocess, exited: Promise<ExitStatus>) {
    const root = identifyOrKill(table, child);
    this.table = table;
    this.#spec = spec;
    this.#child = child;
    this.#root = root;
    this.#live = [root];
    this.#warned = spec.expiresAt - spec.clock() <= WARN_BEFORE_MS;
    this.#exited = exited.then((exit) => {
      this.#exit = exit;
      this.#rouse();
      return exit;
    });
    const run = spec.environment.get('HASP_GRANT');
    this.#look = table.watch([root], run === undefined ? undefined : Buffer.from(run).toString());
    this.#tell(() => spec.onSpawned(root));
    spec.signals.deliverTo((signal, early) => this.#pass(signal, early));
    spec.abort?.addEventListener('abort', () => this.#rouse());
  }

  /**
   * Resolves when the command has ended and its stragglers are dealt with.
   * @throws what a callback threw, when nobody is left
   */
  async end(): Promise<TreeEnd> {
    const { stragglers, graceMs } = this.#spec;
    let cause = this.#whyNow();
    while (!cause && (!this.#exit || (stragglers === 'wait' && this.#live.length > 0))) {
      this.#warn();
      await this.settle(this.#spec.expiresAt - this.#spec.clock());
      cause = this.#whyNow();
    }
    await this.#lookAround();
    const survivors = !cause && stragglers === 'leave' ? this.#left() : await endAll(this, graceMs);
    if (this.#fault) throw this.#fault.error;
    const isThere = this.#live.some(({ pid }) => pid === this.#root.pid);
    // A command that may not be signalled (setuid) lives on: hasp's own failure.
    const exit = this.#exit ?? (isThere ? { code: 125 } : await this.#exited);
    return {
      root: this.#root,
      exit,
      cause: cause ?? ('signal' in exit ? 'signalled' : 'exited'),
      survivors: survivors.filter(({ pid }) => pid !== this.#root.pid || isThere),
    };
  }

  members(): readonly ProcessIdentity[] {
    return this.#live;
  }

  /** Waits for the root's end, a revocation or `ms`, but no longer than from one look to the next; then looks. */
  async settle(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, Math.min(ms, this.table.lookEveryMs)));
      this.#rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    await this.#lookAround();
  }

  async #lookAround(): Promise<void> {
    const before = keyOf(this.#live);
    try {
      this.#live = await this.#look();
    } catch {
      // No answer, so who lived is taken to live; of the root's end Node tells.
      this.#live = this.#live.filter(({ pid }) => pid !== this.#root.pid || this.#exit === undefined);
    }
    if (this.#live.length > 0 && keyOf(this.#live) !== before) this.#tell(() => this.#spec.onMembers(this.#live));
  }

  #whyNow(): 'ttl' | 'revoked' | undefined {
    if (this.#fault || this.#spec.abort?.aborted) return 'revoked';
    return this.#spec.clock() >= this.#spec.expiresAt ? 'ttl' : undefined;
  }

  #warn(): void {
    const left = this.#spec.expiresAt - this.#spec.clock();
    if (this.#warned || left > WARN_BEFORE_MS) return;
    this.#warned = true;
    const end = formatDuration(Math.ceil(left / 1_000) * 1_000);
    this.#spec.onWarning(`the grants of this run end in ${end}, and with them its processes`);
  }

  #left(): Survivor[] {
    return this.#live.map(({ pid }) => ({ pid, command: this.table.nameOf(pid), outcome: 'left' }));
  }

  #pass(signal: ForwardedSignal, early: boolean): void {
    const number = constants.signals[signal];
    const reached = (pid: number): boolean => !early && this.table.isSignalledByTerminal(signal, pid);
    if (this.#exit === undefined) {
      if (!reached(this.#root.pid)) this.#child.kill(number);
      return;
    }
    for (const member of this.#live) if (!reached(member.pid)) sendTo(member, number, this.table);
  }

  /** What can't be noted may not go on: the tree is ended, and the failure is thrown afterwards. */
  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#fault ??= { error };
    }
  }
}

/** What can't be followed may not go on. */
function identifyOrKill(table: ProcessTable, child: Subprocess): ProcessIdentity {
  let root: ProcessIdentity | undefined;
  try {
    root = table.identify(child.pid ?? 0);
    if (root === undefined) throw new Error('the new process is not in the process table');
    return root;
  } finally {
    if (root === undefined) child.kill(constants.signals.SIGKILL);
  }
}

function keyOf(members: readonly ProcessIdentity[]): string {
  return members.map(({ pid, startTime }) => `${pid}:${startTime}`).join();
}
