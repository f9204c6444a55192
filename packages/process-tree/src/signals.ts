import { exitLike } from './exit-status.ts';
import type { Inherited } from './inherited.ts';
import { readStat } from './proc.ts';

/** Passed on to the child. WINCH, CHLD, URG and the job control signals are the kernel's business. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
export type ForwardedSignal = (typeof FORWARDED)[number];

/** Signals that arrive from now on are kept until somebody takes them. */
export interface HeldSignals {
  /** Delivers what is kept, at once and marked `early`, and what arrives later. Replaces an earlier receiver. */
  deliverTo(receiver: (signal: ForwardedSignal, early: boolean) => void): void;
  /** Ends the hold. If a signal is kept that nobody took, this process dies by it. */
  release(): void;
}

/**
 * Takes the signals that would end this process, so that none can part a recorded grant from the
 * record of its end. A signal that was ignored at the start stays ignored.
 */
export function holdSignals(inherited: Pick<Inherited, 'ignoredSignals'>): HeldSignals {
  const kept: ForwardedSignal[] = [];
  let receiver: ((signal: ForwardedSignal, early: boolean) => void) | undefined;
  const listeners = FORWARDED.filter((signal) => !inherited.ignoredSignals.includes(signal)).map((signal) => {
    const listener = (): void => {
      if (receiver) receiver(signal, false);
      else kept.push(signal);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  return {
    deliverTo: (next) => {
      receiver = next;
      for (const signal of kept.splice(0)) next(signal, true);
    },
    release: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
      const [first] = kept;
      if (first) exitLike({ signal: first });
    },
  };
}

/**
 * Whether the terminal has already given this INT or QUIT to the child: there is a terminal, our
 * group is in its foreground, and the child is still in our group.
 */
export function terminalSignalled(signal: ForwardedSignal, child: number): boolean {
  if (signal !== 'SIGINT' && signal !== 'SIGQUIT') return false;
  const self = readStat('self');
  if (!self || self.terminal === 0 || self.foregroundGroup !== self.group) return false;
  return readStat(child)?.group === self.group;
}

/**
 * Whether somebody watches for a stop of this process and can continue it: its group has the
 * terminal, or is a job of a shell with job control, which is then our parent in another group.
 */
export function isJob(): boolean {
  const self = readStat('self');
  if (!self || self.terminal === 0) return false;
  if (self.foregroundGroup === self.group) return true;
  const parent = readStat(self.parent);
  return parent !== undefined && parent.session === self.session && parent.group !== self.group;
}
