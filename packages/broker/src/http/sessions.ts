import { HaspError } from '@hasp/core';
import type { Reply } from './reply.ts';
import type { Api, Question } from './route.ts';

export function listSessions({ parts }: Api): Reply {
  return { status: 200, json: { sessions: parts.sessions.list() } };
}

/** Ends it, with its grants and its trees. @throws HaspError E_SESSION_MISSING */
export async function endSession({ id }: Question, { parts }: Api): Promise<Reply> {
  if (await parts.sessions.end(id)) return { status: 200, json: { ended: id } };
  throw new HaspError('E_SESSION_MISSING', 'no such session is live', 'see hasp session list');
}
