import { existsSync } from 'node:fs';
import { Link } from '@hasp/broker/remote';
import { listSessions, sessionAbove } from '@hasp/broker/session';
import { HaspError, type Home } from '@hasp/core';
import type { Context, Inside } from './context.ts';

/**
 * The agent session that this process is in, as the kernel has it: by the states of the sessions, and by the broker's
 * own memory. HASP_SESSION can only add that it is in one. Where it can't be told, it is.
 */
export async function insideSession(context: Context, asksBroker: boolean): Promise<Inside | undefined> {
  const home = homeOf(context);
  const above = home === undefined ? undefined : sessionAbove('self', listSessions(home));
  if (above?.kind === 'inside') return { session: above.session.session, agent: above.session.agent };
  const seen = asksBroker && home !== undefined ? await seenByBroker(home) : undefined;
  if (seen?.session !== undefined) return seen.session === 'unknown' ? {} : { session: seen.session };
  if (above?.kind === 'unknown' && seen === undefined) return {};
  const named = context.environment.get('HASP_SESSION');
  return named ? { session: named } : undefined;
}

/** @throws HaspError E_AGENT_SESSION */
export function refuseInside({ inside }: Context, what: string): void {
  if (inside === undefined) return;
  const { session, agent } = inside;
  const which = agent === undefined ? (session === undefined ? '' : ` (HASP_SESSION ${session})`) : ` of ${agent}`;
  throw new HaspError(
    'E_AGENT_SESSION',
    `${what} is refused inside an agent session${which}`,
    'let a person do it, outside of the session',
  );
}

/** Undefined where no broker answers. */
async function seenByBroker(home: Home): Promise<{ readonly session?: string } | undefined> {
  if (!existsSync(home.brokerSocket)) return undefined;
  try {
    const opened = await Link.open(home.brokerSocket);
    opened?.link.close();
    return opened;
  } catch (error) {
    if (error instanceof HaspError) return undefined;
    throw error;
  }
}

/** Some commands need none. */
function homeOf(context: Context): Home | undefined {
  try {
    return context.home;
  } catch (error) {
    if (error instanceof HaspError) return undefined;
    throw error;
  }
}
