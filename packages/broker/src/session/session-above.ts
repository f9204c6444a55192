import type { ProcessIdentity } from '@hasp/core';
import { ancestryOf, isAlive, isMarked } from '@hasp/process-tree';
import type { SessionState } from './session-state.ts';

/** Where a process is, as the kernel has it. */
export type Above =
  | { readonly kind: 'inside'; readonly session: SessionState }
  | { readonly kind: 'outside' }
  /** Its descent can't be read, or the wrapper of a session is in another pid namespace. */
  | { readonly kind: 'unknown' };

/**
 * The innermost session above a process: the first on the way up that is a session's wrapper; or, where that
 * wrapper was killed, who stands in the session's rows or bears its mark. Nothing that the process says of itself
 * plays a part. A wrapper is not within its own session.
 */
export function sessionAbove(of: ProcessIdentity | 'self', sessions: readonly SessionState[]): Above {
  if (sessions.length === 0) return { kind: 'outside' };
  const line = ancestryOf(of);
  if (line === undefined) return { kind: 'unknown' };
  const lives = new Map(sessions.map((session) => [session, isAlive(session.wrapper)]));
  for (const [index, { pid, startTime }] of line.entries()) {
    const isThere = (one: ProcessIdentity): boolean => one.pid === pid && one.startTime === startTime;
    const found = sessions.findLast((session) => {
      if (lives.get(session) === true) return index > 0 && isThere(session.wrapper);
      if (lives.get(session) === 'elsewhere') return false;
      const { root, members } = session;
      return (root && isThere(root)) || members.some(isThere) || isMarked(pid, `HASP_SESSION=${session.session}`);
    });
    if (found !== undefined) return { kind: 'inside', session: found };
  }
  return { kind: [...lives.values()].includes('elsewhere') ? 'unknown' : 'outside' };
}
