import { AuditLog } from '@hasp/audit';
import type { RevocationReason, RunOutcome } from '@hasp/broker';
import { endSession, endWithin, type RemoteSession, type SessionState } from '@hasp/broker/session';
import type { HaspError, Tracking } from '@hasp/core';
import { type HeldSignals, superviseTree, type TreeEnd } from '@hasp/process-tree';
import type { Context } from './context.ts';
import type { GlobalInput } from './input.ts';
import { say } from './output.ts';
import { outcomeOf, withoutDescriptor } from './supervised.ts';

export interface SessionJourney {
  readonly context: Context;
  readonly input: GlobalInput;
  readonly signals: HeldSignals;
  readonly tracking: Tracking;
  readonly command: readonly string[];
  readonly path: string;
  readonly environment: ReadonlyMap<string, string>;
}

/** A person who revokes wants it over: so long a process may take to end by itself. */
const REVOKED_GRACE_MS = 20;
/** A session lasts: what is known of its tree may not be old when its wrapper is killed. */
const LOOK_EVERY_MS = 500;
/** For a session without a ttl. */
const YEARS_MS = 100 * 365 * 24 * 60 * 60 * 1_000;

/** Spawns the agent and waits for its whole tree. */
export async function superviseSession(
  { context, input, signals, tracking, command, path, environment }: SessionJourney,
  session: RemoteSession,
): Promise<{ end: TreeEnd; trouble: HaspError | undefined }> {
  const { state } = session;
  const abort = new AbortController();
  let revoked: RevocationReason = 'session-ended';
  let trouble: Promise<HaspError | undefined> | undefined;
  const alone = (left: SessionState, outcome: RunOutcome) => endAlone(context, left, outcome);
  const within = (): void =>
    void endWithin(context.home, state.session, revoked === 'agent-revoked' ? revoked : 'session-ended');
  const revocation = session.onRevocation((reason) => {
    revoked = reason;
    abort.abort();
  });
  try {
    const end = await superviseTree({
      path,
      argv: command,
      environment,
      inherited: withoutDescriptor(context.inherited, input.passphraseFd),
      signals,
      tracking,
      stdin: 'inherit',
      stdout: 'inherit',
      stderr: 'inherit',
      stragglers: 'kill',
      get graceMs() {
        return revoked === 'session-ended' ? state.graceMs : REVOKED_GRACE_MS;
      },
      expiresAt: state.expiresAt ?? state.startedAt + YEARS_MS,
      clock: context.clock,
      abort: abort.signal,
      lookEveryMs: LOOK_EVERY_MS,
      onEnding: within,
      onStragglers: within,
      onSpawned: (root) => session.note({ root, members: [root] }),
      onMembers: (members) => session.note({ members }),
      onTreeEnd: (ended) => {
        revocation.close();
        trouble = session.end(outcomeOf(ended, revoked), alone);
      },
      onWarning: (line) => say(line.replace('the grants of this run end', 'this session ends')),
    });
    return { end, trouble: await trouble };
  } catch (error) {
    if (trouble === undefined) await session.end({ reason: 'spawn-failed', survivors: [] }, alone);
    throw error;
  } finally {
    revocation.close();
  }
}

/** The broker has gone: nobody else would record it. */
function endAlone({ home, clock }: Context, state: SessionState, outcome: RunOutcome): HaspError | undefined {
  const log = AuditLog.open(home, clock);
  try {
    return endSession(home, log, clock, state, outcome);
  } finally {
    log.close();
  }
}
