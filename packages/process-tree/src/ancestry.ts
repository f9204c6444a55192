import type { ProcessIdentity } from '@hasp/core';
import { identityFrom } from './identity.ts';
import { isDead, type ProcessStat, readStat } from './proc.ts';

/** A tree that forks all the time may change under each look; who can't be known by then is unknown. */
const LOOKS = 64;
/** Who is further down than so many live generations is unknown: a look may not take for ever. */
const MAX_HOPS = 1_024;

/**
 * A live process and those above it, each the parent of the one before, up to the first that `isLast` names or
 * to the top. Undefined where that can't be read.
 *
 * The line is believed when two readings of it are equal: then each parent was read between two looks at its
 * child that name it as the parent, so that no pid in the line was given to another process meanwhile.
 */
export function lineAbove(
  peer: Pick<ProcessIdentity, 'pid' | 'startTime'>,
  isLast: (stat: ProcessStat) => boolean,
): readonly ProcessStat[] | undefined {
  let before: string | undefined;
  for (let look = 0; look < LOOKS; look++) {
    const line = climb(peer, isLast);
    if (line === 'gone') return undefined;
    const path = line === 'moved' ? undefined : line.map(({ pid, startTime }) => `${pid}:${startTime}`).join();
    if (line !== 'moved' && path === before) return line;
    before = path;
  }
  return undefined;
}

/** A process and all above it; undefined where that can't be read. Pids are those of our /proc. */
export function ancestryOf(
  peer: Pick<ProcessIdentity, 'pid' | 'startTime'> | 'self',
): readonly ProcessStat[] | undefined {
  const of = peer === 'self' ? readStat('self') : peer;
  return of && lineAbove(of, () => false);
}

/** The terminal that this process would be asked on. */
export interface ControllingTerminal {
  /** Of its session: whoever it was opened for. */
  readonly leader: ProcessIdentity;
  /** As st_rdev has it. */
  readonly device: number;
}

/** Undefined where there is none, or its leader has gone. */
export function controllingTerminal(): ControllingTerminal | undefined {
  const self = readStat('self');
  const leader = self && self.terminal !== 0 ? readStat(self.session) : undefined;
  if (self === undefined || leader === undefined || isDead(leader)) return undefined;
  return { leader: identityFrom(leader), device: self.terminal };
}

/** `gone`: the peer is; `moved`: somebody above it is, so that the line has changed. */
function climb(
  peer: Pick<ProcessIdentity, 'pid' | 'startTime'>,
  isLast: (stat: ProcessStat) => boolean,
): ProcessStat[] | 'gone' | 'moved' {
  const first = readStat(peer.pid);
  if (!first || first.startTime !== peer.startTime || isDead(first)) return 'gone';
  const line = [first];
  for (let child = first; !isLast(child) && child.parent > 0; ) {
    const parent = readStat(child.parent);
    if (!parent || isYounger(parent, child) || line.length > MAX_HOPS) return 'moved';
    line.push(parent);
    child = parent;
  }
  return line;
}

export function isYounger(one: Pick<ProcessStat, 'startTime'>, other: Pick<ProcessStat, 'startTime'>): boolean {
  return Number(one.startTime) > Number(other.startTime);
}
