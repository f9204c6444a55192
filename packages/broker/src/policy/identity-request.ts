import type { ClientRequest, IncomingMessage } from 'node:http';
import { type JsonMember, JsonProblem, parseStrictJson } from '@hasp/core';
import type { AgentIdentity } from '@hasp/core/rules';

/** What came of one request; `failed`: no answer, or none that can be believed. */
export type IdentityAnswer =
  | { readonly kind: 'identity'; readonly identity: AgentIdentity & { readonly state: 'answered' } }
  | { readonly kind: 'unknown-agent' }
  | { readonly kind: 'refused'; readonly status: number }
  /** `heard`: something did answer. */
  | { readonly kind: 'failed'; readonly heard: boolean };

const MAX_ANSWER_BYTES = 64 * 1024;
/** A path that is missing, a server that is busy: nothing about who asks. */
const NO_REFUSAL = [404, 408, 429];

/** What a server's answer says, taken at its word only where each word is of the right type. */
export function readAnswer(status: number, body: Buffer, agent: string): IdentityAnswer {
  if (status === 404) return { kind: 'unknown-agent' };
  if (status >= 400 && status < 500 && !NO_REFUSAL.includes(status)) return { kind: 'refused', status };
  const identity = status === 200 ? readIdentity(body, agent) : undefined;
  return identity === undefined ? { kind: 'failed', heard: true } : { kind: 'identity', identity };
}

function readIdentity(body: Buffer, agent: string): (AgentIdentity & { state: 'answered' }) | undefined {
  const members = membersOf(body);
  if (members === undefined) return undefined;
  const id = members.get('agentId')?.value;
  if (id !== undefined && !(id.kind === 'string' && id.value === agent)) return undefined;
  const score = members.get('trustScore')?.value;
  if (score !== undefined && !(score.kind === 'number' && score.value >= 0 && score.value <= 1)) return undefined;
  const list = members.get('capabilities')?.value;
  if (list !== undefined && list.kind !== 'array') return undefined;
  const capabilities = (list?.items ?? []).map((item) => (item.kind === 'string' ? item.value : undefined));
  if (!capabilities.every((item) => item !== undefined)) return undefined;
  return { state: 'answered', capabilities, ...(score === undefined ? {} : { trustScore: score.value }) };
}

function membersOf(body: Buffer): ReadonlyMap<string, JsonMember> | undefined {
  try {
    const node = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return node.kind === 'object' ? node.members : undefined;
  } catch (error) {
    if (error instanceof JsonProblem || error instanceof TypeError) return undefined;
    throw error;
  }
}

export interface Response {
  readonly status: number;
  readonly body: Buffer;
}

/** The whole response within the time, or undefined; what comes later or is longer is cut off. */
export function receive(request: ClientRequest, budgetMs: number): Promise<Response | undefined> {
  return new Promise((resolve) => {
    const settle = (response: Response | undefined) => {
      clearTimeout(timer);
      resolve(response);
      if (response === undefined) request.destroy();
    };
    const timer = setTimeout(() => settle(undefined), budgetMs);
    request.on('error', () => settle(undefined));
    request.on('close', () => settle(undefined));
    request.on('response', (message: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let length = 0;
      message.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) settle(undefined);
      });
      message.on('error', () => settle(undefined));
      message.on('end', () => settle({ status: message.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.end();
  });
}
