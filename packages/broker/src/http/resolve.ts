import {
  type ErrorCode,
  HaspError,
  isReference,
  parseDuration,
  parseReference,
  parseVersionedName,
  type Reference,
} from '@hasp/core';
import { isAgentName } from '@hasp/core/rules';
import type { Asker } from '../fetch/asker.ts';
import type { FetchAnswer } from '../fetch/fetching.ts';
import { readObject, requiredText, textMember } from './body.ts';
import type { Caller } from './caller.ts';
import { failed, type Reply, refusal } from './reply.ts';
import type { Api, Question } from './route.ts';

const MAX_AGENT = 256;
const MAX_NAME = 300;
const MAX_REASON = 4_096;
const DEFAULT_DENY = 'default-deny';

/** The value of a secret, for an agent: decided, recorded, handed out. */
export async function resolve(question: Question, api: Api): Promise<Reply> {
  const answer = await ask(question, api, (granted) => question.reply(valueReply(granted)));
  api.metrics.resolvedIn(performance.now() - question.askedAt);
  return answer.kind === 'denied' ? denied(answer) : valueReply(answer);
}

function valueReply({ grant, value }: FetchAnswer & { readonly kind: 'granted' }): Reply {
  return { status: 200, json: { value, grant: grant.id, expiresAt: new Date(grant.expiresAt).toISOString() } };
}

/** The same decision, for a value that is fetched later. */
export async function makeGrant(question: Question, api: Api): Promise<Reply> {
  const answer = await ask(question, api);
  if (answer.kind === 'denied') return denied(answer);
  const { id, secret, version, agent, rule, expiresAt } = answer.grant;
  const document = { id, secret, version, agent, rule, expiresAt: new Date(expiresAt).toISOString() };
  return { status: 201, json: { grant: document }, headers: ['Location', `/v1/grants/${id}`] };
}

/** @param granted called with the value as soon as it may go out; without it none is opened */
async function ask(
  { caller, body, askedAt, gone }: Question,
  api: Api,
  granted?: (answer: FetchAnswer & { readonly kind: 'granted' }) => void,
): Promise<FetchAnswer> {
  const members = readObject(body);
  const claimed = textMember(members, 'agentId', MAX_AGENT);
  const reference = readName(requiredText(members, 'credentialName', MAX_NAME));
  const reason = textMember(members, 'reason', MAX_REASON);
  const ttlMs = readTtl(textMember(members, 'ttl', 32));
  const asker = askerOf(caller, claimed);
  const asked = { ...(reason === undefined ? {} : { reason }), latencyMs: performance.now() - askedAt };
  const refused = refusedBefore(caller, claimed);
  if (refused !== undefined) return api.fetching.refuse(asker, reference, refused, asked);
  return api.fetching.resolve(asker, {
    reference,
    ...(reason === undefined ? {} : { reason }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    askedAt,
    delivers: granted !== undefined,
    gone,
    ...(granted === undefined ? {} : { granted }),
  });
}

/** What no rule can allow. */
function refusedBefore(
  caller: Caller,
  claimed: string | undefined,
): { readonly rule: string; readonly why: string; readonly code: ErrorCode } | undefined {
  const { kind, name, session, isHidden } = caller;
  if (kind !== 'owner' && claimed !== undefined && claimed !== name) {
    const other = isAgentName(claimed) ? `is ${claimed}` : 'is another';
    return {
      rule: 'another-agent',
      code: 'E_DENIED',
      why: `The agent is ${name}, and the request says that it ${other}`,
    };
  }
  if (session !== undefined)
    return {
      rule: 'agent-session',
      code: 'E_AGENT_SESSION',
      why: 'Inside an agent’s session no value is shown: hasp run',
    };
  if (isHidden)
    return { rule: 'peer-unknown', code: 'E_PEER_UNKNOWN', why: 'Who asks can not be found on this machine' };
  return undefined;
}

function askerOf(caller: Caller, claimed: string | undefined): Asker {
  const { kind, limitKey, peer, transport, holds } = caller;
  const agent = kind === 'owner' ? claimed : caller.name;
  if (agent === undefined || agent === '' || /\p{Cc}/u.test(agent))
    throw refusal(400, 'E_USAGE', 'agentId is missing, or no name');
  return { agent, limitKey, transport, ...(peer === undefined ? {} : { peer }), holds };
}

function readName(text: string): Reference {
  try {
    return isReference(text) ? parseReference(text) : parseVersionedName(text);
  } catch (error) {
    if (error instanceof HaspError) throw refusal(400, error.code, 'credentialName is not the name of a secret');
    throw error;
  }
}

function readTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ttlMs = parseDuration(text);
  if (ttlMs > 0) return ttlMs;
  throw refusal(400, 'E_USAGE', 'ttl is no time at all');
}

function denied({ code, rule, why }: FetchAnswer & { readonly kind: 'denied' }): Reply {
  const status = code === 'E_SECRET_MISSING' ? 404 : code === 'E_USAGE' ? 422 : 403;
  return failed(status, { reason: why, ...(rule === DEFAULT_DENY ? {} : { rule }), code });
}
