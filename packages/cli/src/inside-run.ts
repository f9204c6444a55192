import type { AuditLog } from '@hasp/audit';
import { Link, RemoteBroker } from '@hasp/broker/remote';
import { listSessions, reconcileSessions, sessionAbove } from '@hasp/broker/session';
import { HaspError } from '@hasp/core';
import type { Context } from './context.ts';
import { say } from './output.ts';
import type { RunBroker } from './run.ts';
import { listOf } from './stragglers.ts';
import { withoutBroker } from './without-broker.ts';

export { insideSession } from './session-place.ts';
export { endAskedAlone } from './without-broker.ts';

// A bundle of its own: only who finds the state of a session reads it, or who loses the broker that it has to be asked through.

/** Ends what killed wrappers of sessions left. */
export async function endLostSessions({ home, clock }: Context, openLog: () => AuditLog): Promise<void> {
  for (const { agent, survivors } of await reconcileSessions(home, openLog, clock)) {
    if (survivors.length > 0) say(`a session of ${agent} lost its wrapper and left processes: ${listOf(survivors)}`);
  }
}

/**
 * For a run inside a session: the broker, and nobody else. Undefined outside.
 * @throws HaspError E_BROKER_UNREACHABLE, E_VAULT_LOCKED
 */
export async function brokerInside(context: Context): Promise<RunBroker | undefined> {
  const { home } = context;
  const above = sessionAbove('self', listSessions(home));
  if (above.kind === 'outside') return undefined;
  const opened = await Link.open(home.brokerSocket);
  if (opened === undefined) {
    throw new HaspError(
      'E_BROKER_UNREACHABLE',
      'inside an agent session secrets come from the broker only, and none runs',
      'let a person start one, outside of the session: hasp unlock',
    );
  }
  const { link, isUnlocked, session } = opened;
  // Of another pid namespace, which the broker can tell.
  if (session === undefined && above.kind === 'unknown') {
    link.close();
    return undefined;
  }
  if (!isUnlocked) {
    link.close();
    throw new HaspError(
      'E_VAULT_LOCKED',
      'inside an agent session secrets come from the broker only, and it is locked',
      'let a person unlock it, outside of the session: hasp unlock',
    );
  }
  return new RemoteBroker(link, withoutBroker(context), say, session);
}
