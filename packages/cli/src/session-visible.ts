import type { Inside } from './context.ts';

/** Within a session, what is another's is not there. */
export function isVisible(inside: Inside | undefined, session: unknown): boolean {
  return inside === undefined || (session !== undefined && inside.session === session);
}
