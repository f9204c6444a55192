import { HaspError } from '@hasp/core';
import { grantDocuments } from '../grant-documents.ts';
import { liveRuns } from '../live-runs.ts';
import { reconcile } from '../reconcile.ts';
import { revokeRuns } from '../revocation.ts';
import type { RunState } from '../run-file.ts';
import type { Caller } from './caller.ts';
import type { Reply } from './reply.ts';
import type { Api, Question } from './route.ts';

/** The live grants that the caller may see: all of them, or its own. */
export async function listGrants({ caller }: Question, api: Api): Promise<Reply> {
  const runs = liveRuns(api.parts.home).filter((run) => isSeen(run, caller, api));
  return { status: 200, json: { grants: await grantDocuments(runs) } };
}

/** Ends it now. @throws HaspError E_GRANT_MISSING, also for another's */
export async function endGrant({ caller, id, request }: Question, api: Api): Promise<Reply> {
  const { home, log, clock } = api.parts;
  const isNamed = (run: RunState): boolean => run.run === id || run.grants.some((grant) => grant.id === id);
  const runs = liveRuns(home).filter((run) => isNamed(run) && isSeen(run, caller, api));
  if (runs.length === 0) throw new HaspError('E_GRANT_MISSING', 'no such grant is live', 'see hasp grants');
  const names = new Set(runs.map(({ run }) => run));
  for (const { limitKey } of api.fetching.end(({ run }) => names.has(run), 'revoked'))
    api.connections.close(limitKey, request.socket);
  const others = runs.filter(({ isFetched }) => isFetched !== true);
  await revokeRuns(home, others, 'revoked', async () => void (await reconcile(home, () => log, clock)));
  return { status: 200, json: { revoked: runs.flatMap(({ grants }) => grants.map((grant) => grant.id)) } };
}

function isSeen({ run, session }: RunState & { readonly session?: string }, caller: Caller, api: Api): boolean {
  if (caller.kind === 'owner') return true;
  if (session !== undefined && session === caller.session?.id) return true;
  return api.fetching.live.some((grant) => grant.run === run && grant.limitKey === caller.limitKey);
}
