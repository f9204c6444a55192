import { constants } from 'node:os';
import { formatDuration, type ProcessIdentity, type Survivor } from '@hasp/core';
import { type Doomed, endAll, sendTo } from './ending.ts';
import type { ExitStatus } from './exit-status.ts';
import { HangUps } from './hang-ups.ts';
import { identityFrom, selfIdentity } from './identity.ts';
import { KinBefore } from './kin-before.ts';
import type { Libc } from './libc.ts';
import { type ProcessStat, printableName, readStat } from './proc.ts';
import { reapChildren } from './reaper.ts';
import { type ForwardedSignal, isJob, terminalSignalled } from './signals.ts';
import { spawnProcess } from './spawn.ts';
import type { ChildStdio } from './stdio.ts';
import type { TreeEnd, TreeSpec } from './tree-spec.ts';

const { SIGCONT } = constants.signals;
const WARN_BEFORE_MS = 5 * 60_000;
/** Timers do not run while a machine sleeps, so the clock is looked at now and then. */
const CLOCK_CHECK_MS = 30_000;
/** Members are listed at most this often while children end in quick succession. */
const REPORT_EVERY_MS = 50;
/** And listing them, in a tree of thousands, takes at most one part in this many of our time. */
const REPORT_SHARE = 20;
/** More than one is needed where a process dies during a look; all are in vain where /proc hides who is there. */
const LOOKS = 10;

type Ended = Omit<TreeEnd, 'root'>;

/** One supervised tree, from its spawn until nobody is left or it is let go. */
export class Tree {
  readonly #libc: Libc;
  readonly #spec: TreeSpec;
  readonly #kinBefore: KinBefore;
  readonly #hangUps: HangUps;
  #terminal: ChildStdio['terminal'];
  readonly #waiting = new Set<() => void>();
  readonly #onChild = (): void => {
    this.#reap();
    if (!this.#empty) this.#reportSoon();
  };
  readonly #onAbort = (): void => this.#endNow('revoked');
  #root: ProcessIdentity | undefined;
  #exit: ExitStatus | undefined;
  #empty = false;
  #ending: 'ttl' | 'revoked' | undefined;
  #fault: { readonly error: unknown } | undefined;
  #reported = '';
  #reportTimer: NodeJS.Timeout | undefined;
  #clockTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #warned: boolean;

  constructor(libc: Libc, spec: TreeSpec) {
    this.#libc = libc;
    this.#spec = spec;
    this.#kinBefore = new KinBefore(libc);
    this.#hangUps = new HangUps(libc);
    this.#warned = spec.expiresAt - spec.clock() <= WARN_BEFORE_MS;
    process.on('SIGCHLD', this.#onChild);
  }

  /** @throws SpawnFailure */
  spawn({ childEnds, terminal, afterSpawn }: ChildStdio): ProcessIdentity {
    const pid = spawnProcess(this.#libc, { ...this.#spec, stdio: childEnds });
    afterSpawn();
    this.#terminal = terminal;
    terminal?.begin(pid);
    // Not reaped yet, so it is in /proc even if it has ended already.
    const root = identityOfChild(pid);
    this.#root = root;
    this.#reported = keyOf([root]);
    this.#tell(() => this.#spec.onSpawned(root));
    this.#spec.signals.deliverTo((signal, early) => this.#pass(signal, early));
    this.#spec.abort?.addEventListener('abort', this.#onAbort);
    if (this.#spec.abort?.aborted) this.#onAbort();
    this.#watchClock();
    const { lookEveryMs } = this.#spec;
    if (lookEveryMs !== undefined) this.#lookTimer = setInterval(() => this.#reportSoon(), lookEveryMs);
    this.#reap();
    return root;
  }

  /**
   * Resolves when the command has ended and its stragglers are dealt with.
   * @throws what a callback threw, when nobody is left
   */
  async end(): Promise<Ended> {
    while (!this.#exit && !this.#ending) await this.#change();
    const survivors = await this.#settleStragglers();
    if (this.#fault) throw this.#fault.error;
    // A command that may not be signalled (setuid) lives on: hasp's own failure.
    const exit = this.#exit ?? { code: 125 };
    const cause = this.#ending ?? ('signal' in exit ? 'signalled' : 'exited');
    return { exit, cause, survivors };
  }

  close(): void {
    process.off('SIGCHLD', this.#onChild);
    this.#hangUps.close();
    this.#spec.abort?.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#clockTimer);
    clearTimeout(this.#reportTimer);
    clearInterval(this.#lookTimer);
  }

  async #settleStragglers(): Promise<Survivor[]> {
    const { stragglers, graceMs } = this.#spec;
    if (!this.#ending && stragglers === 'wait') while (!this.#empty && !this.#ending) await this.#change();
    if (this.#empty) return [];
    if (!this.#ending && stragglers === 'leave') {
      return this.#living().map(({ pid, name }) => ({ pid, command: printableName(name), outcome: 'left' }));
    }
    if (!this.#ending) this.#spec.onStragglers?.();
    const doomed: Doomed = {
      members: () => this.#living().map(identityFrom),
      settle: (ms) => this.#change(ms),
    };
    const survivors = await endAll(doomed, graceMs);
    const known = new Set(survivors.map(({ pid }) => pid));
    const hidden = this.#empty ? [] : this.#kinBefore.childrenWithout('self').filter((pid) => !known.has(pid));
    return [
      // The command itself is no straggler, unless it is still there.
      ...survivors.filter(({ pid }) => pid !== this.#root?.pid || !this.#exit),
      ...hidden.map((pid) => ({ pid, command: '?', outcome: 'not-permitted' as const })),
    ];
  }

  /**
   * Nobody only if the kernel says so: who died while we looked is reaped first, so that with the last
   * member gone the exit status is known, and whom it left is found at the next look.
   */
  #living(): ProcessStat[] {
    for (let look = 0; look < LOOKS; look++) {
      this.#reap();
      if (this.#empty) break;
      const members = this.#members();
      if (members.length > 0) return members;
    }
    return [];
  }

  #members(): ProcessStat[] {
    return this.#kinBefore.without('self');
  }

  #reap(): void {
    const childless = reapChildren(this.#libc, (event) => {
      if (event.pid !== this.#root?.pid) return;
      if ('ended' in event) this.#exit = event.ended;
      else this.#stopAlong(event.stoppedBy);
    });
    this.#empty = childless || this.#kinBefore.areAllThatIsLeft();
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * The command stopped. A shell with job control must see that, as it would see the command itself;
   * elsewhere nobody might continue us.
   */
  #stopAlong(signal: number): void {
    if (!isJob()) return;
    if (this.#terminal) {
      this.#terminal.stop(signal);
      return;
    }
    process.kill(process.pid, signal);
    if (this.#root) this.#libc.kill(this.#root.pid, SIGCONT);
  }

  #pass(signal: ForwardedSignal, early: boolean): void {
    if (!this.#root || this.#terminal?.isOwn(signal)) return;
    const number = constants.signals[signal];
    const reached = (pid: number): boolean =>
      !early && (signal === 'SIGHUP' ? this.#hangUps.reached(pid) : terminalSignalled(signal, pid));
    if (this.#exit) {
      for (const member of this.#members()) if (!reached(member.pid)) sendTo(identityFrom(member), number);
      return;
    }
    const group = isKey(signal) ? this.#terminal?.foreground() : undefined;
    if (group !== undefined && group > 1) {
      this.#libc.kill(-group, number);
      return;
    }
    // Our own child, not reaped yet: its pid is nobody else's.
    if (!reached(this.#root.pid)) this.#libc.kill(this.#root.pid, number);
  }

  #watchClock(): void {
    const left = this.#spec.expiresAt - this.#spec.clock();
    if (left <= 0) {
      this.#endNow('ttl');
      return;
    }
    if (left <= WARN_BEFORE_MS && !this.#warned) {
      this.#warned = true;
      this.#spec.onWarning(
        `the grants of this run end in ${formatDuration(Math.ceil(left / 1_000) * 1_000)}, and with them its processes`,
      );
    }
    const next = this.#warned ? left : left - WARN_BEFORE_MS;
    this.#clockTimer = setTimeout(() => this.#watchClock(), Math.min(next, CLOCK_CHECK_MS));
  }

  #endNow(cause: 'ttl' | 'revoked'): void {
    if (this.#ending === undefined) this.#spec.onEnding?.();
    this.#ending ??= cause;
    for (const wake of [...this.#waiting]) wake();
  }

  /** What can't be noted may not go on: the tree is ended, and the failure is thrown afterwards. */
  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#fault ??= { error };
      this.#endNow('revoked');
    }
  }

  #reportSoon(): void {
    if (this.#reportTimer) return;
    const began = milliseconds();
    this.#report();
    const pause = Math.max(REPORT_EVERY_MS, REPORT_SHARE * (milliseconds() - began));
    this.#reportTimer = setTimeout(() => {
      this.#reportTimer = undefined;
      this.#report();
    }, pause);
  }

  #report(): void {
    const members = this.#members().map(identityFrom);
    const key = keyOf(members);
    if (key === this.#reported || members.length === 0) return;
    this.#reported = key;
    this.#tell(() => this.#spec.onMembers(members));
  }

  /** Resolves when something happened, or after `ms`. */
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

/** What our terminal gives to a whole group, the command's would have given to its own. */
function isKey(signal: ForwardedSignal): boolean {
  return signal === 'SIGINT' || signal === 'SIGQUIT';
}

/** Where /proc hides other users' processes, a setuid command has no start time that we could read. */
function identityOfChild(pid: number): ProcessIdentity {
  const stat = readStat(pid);
  return stat ? identityFrom(stat) : { ...selfIdentity(), pid, startTime: '0' };
}

function keyOf(members: readonly ProcessIdentity[]): string {
  return members.map(({ pid, startTime }) => `${pid}:${startTime}`).join();
}

/** A clock that only goes forward; `performance` would cost every start 3 ms to load. */
function milliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
