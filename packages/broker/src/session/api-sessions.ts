import type { Home } from '@hasp/core';
import type { Sessions as ApiSessions } from '../http/api-parts.ts';
import { sessionDocument } from './session-document.ts';
import type { Sessions } from './sessions.ts';

const STEP_MS = 5;
/** Beyond a grace of 2 s: what a tree that takes no KILL may hold up. */
const PATIENCE_MS = 14_000;

/** What the API has of the sessions. */
export function sessionsForApi(sessions: Sessions, home: Home): ApiSessions {
  return {
    get any() {
      return sessions.list().length > 0;
    },
    of: (identity) => {
      const session = sessions.around(identity);
      return session && { id: session.session, agent: session.agent };
    },
    list: () => sessions.list().map((state) => sessionDocument(home, state)),
    end: async (id) => {
      if (sessions.revoke({ which: id, reason: 'session-ended' }) === 0) return false;
      const isThere = (): boolean => sessions.list().some(({ session }) => session === id);
      for (const end = performance.now() + PATIENCE_MS; isThere() && performance.now() < end; ) {
        await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      }
      return true;
    },
  };
}
