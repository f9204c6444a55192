import type { RequestOptions } from 'node:http';
import { HaspError } from '@hasp/core';
import type { AgentIdentity } from '@hasp/core/rules';
import { Breaker } from './breaker.ts';
import { type IdentityAnswer, type Response, readAnswer, receive } from './identity-request.ts';

export type IdentityServerState = 'not configured' | 'configured (reachable)' | 'configured (unreachable)';

/** Knows of agents what their names do not say. */
export interface IdentityServer {
  /** By the last attempt; while nothing answers it is made again now and then, for the next look. */
  state(): IdentityServerState;
  /** Never throws, and never takes longer than a second. */
  ask(agent: string): Promise<AgentIdentity>;
  /** Looks whether anything answers there, for `state`. */
  probe(): Promise<void>;
}

export interface IdentityServerParts {
  readonly url: string;
  readonly token?: string;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  /** The server refuses to answer us: once, until it has answered again. */
  readonly onAuthError: (refusal: { readonly status: number; readonly url: string }) => void;
}

const BUDGET_MS = 1_000;
const KEPT_MS = 60_000;
const KEPT_NEGATIVE_MS = 10_000;
const PROBE_MS = 10_000;
const MAX_KEPT = 4_096;
const MAX_WAITING = 64;
const MAX_NAME = 256;

export const NO_IDENTITY_SERVER: IdentityServer = {
  state: () => 'not configured',
  ask: async () => ({ state: 'not-configured' }),
  probe: async () => {},
};

/** @throws HaspError E_USAGE for an address or a token that can't be used. */
export function identityServerAt(parts: IdentityServerParts): IdentityServer {
  return new Client(parts);
}

interface Kept {
  readonly identity: AgentIdentity;
  readonly until: number;
}

class Client implements IdentityServer {
  readonly #parts: IdentityServerParts;
  readonly #url: URL;
  readonly #breaker: Breaker;
  readonly #kept = new Map<string, Kept>();
  readonly #waiting = new Map<string, Promise<AgentIdentity>>();
  #reachable = false;
  #probedAt = Number.POSITIVE_INFINITY;
  #refusedAt = Number.NEGATIVE_INFINITY;
  #refusalTold = false;

  constructor(parts: IdentityServerParts) {
    this.#parts = parts;
    this.#url = checkedUrl(parts.url);
    if (/[^\x21-\x7e]/.test(parts.token ?? ''))
      throw new HaspError('E_USAGE', 'the token of the identity server has characters that no token has');
    this.#breaker = new Breaker(parts.monotonic);
  }

  state(): IdentityServerState {
    if (!this.#reachable && this.#parts.monotonic() - this.#probedAt >= PROBE_MS) void this.probe();
    return this.#reachable ? 'configured (reachable)' : 'configured (unreachable)';
  }

  async ask(agent: string): Promise<AgentIdentity> {
    const kept = this.#kept.get(agent);
    if (kept !== undefined && this.#parts.monotonic() < kept.until) return kept.identity;
    const same = this.#waiting.get(agent);
    if (same !== undefined) return same;
    if (agent === '' || agent.length > MAX_NAME || /\p{Surrogate}/u.test(agent)) return { state: 'unknown-agent' };
    // Its own crowd is no fault of the server's, and nobody waits behind it.
    if (this.#waiting.size >= MAX_WAITING || !this.#breaker.admits()) return { state: 'unreachable' };
    const asked = this.#askServer(agent).finally(() => this.#waiting.delete(agent));
    this.#waiting.set(agent, asked);
    return asked;
  }

  async probe(): Promise<void> {
    this.#probedAt = this.#parts.monotonic();
    this.#reachable = (await this.#get('/health')) !== undefined;
  }

  async #askServer(agent: string): Promise<AgentIdentity> {
    const response = await this.#get(`/api/v1/agents/${encodedSegment(agent)}`);
    const answer = answerOf(response, agent);
    this.#reachable = answer.kind !== 'failed' || answer.heard;
    if (answer.kind === 'failed') this.#breaker.failed();
    else this.#breaker.succeeded();
    if (answer.kind === 'refused') this.#tellRefusal(answer.status);
    else if (answer.kind !== 'failed') this.#refusalTold = false;
    const identity = identityOf(answer);
    this.#keep(agent, identity);
    return identity;
  }

  #keep(agent: string, identity: AgentIdentity): void {
    this.#kept.delete(agent);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    const forMs = identity.state === 'answered' ? KEPT_MS : KEPT_NEGATIVE_MS;
    this.#kept.set(agent, { identity, until: this.#parts.monotonic() + forMs });
  }

  /** One that changes its mind with each request does not fill the log either. */
  #tellRefusal(status: number): void {
    const now = this.#parts.monotonic();
    if (this.#refusalTold || now - this.#refusedAt < KEPT_MS) return;
    this.#refusalTold = true;
    this.#refusedAt = now;
    this.#parts.onAuthError({ status, url: this.#url.origin });
  }

  async #get(path: string): Promise<Response | undefined> {
    const { request } = await transportOf(this.#url);
    const { token } = this.#parts;
    const options: RequestOptions = {
      // A connection for each: answers are kept, and one that a server had closed would look like a failure.
      agent: false,
      path: this.#url.pathname.replace(/\/+$/, '') + path,
      headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    };
    return receive(request(this.#url, options), BUDGET_MS);
  }
}

function answerOf(response: Response | undefined, agent: string): IdentityAnswer {
  return response === undefined ? { kind: 'failed', heard: false } : readAnswer(response.status, response.body, agent);
}

function identityOf(answer: IdentityAnswer): AgentIdentity {
  switch (answer.kind) {
    case 'identity':
      return answer.identity;
    case 'failed':
      return { state: 'unreachable' };
    default:
      return { state: answer.kind };
  }
}

/** Also for `..`, which a server in between would take for a step upwards. */
function encodedSegment(name: string): string {
  return encodeURIComponent(name).replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length));
}

/** Read when it is first needed: most brokers have no identity server. */
function transportOf({ protocol }: URL) {
  return protocol === 'https:' ? import('node:https') : import('node:http');
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const usable = url !== undefined && ['http:', 'https:'].includes(url.protocol);
  if (!usable || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new HaspError(
      'E_USAGE',
      'not an address of an identity server',
      'for example https://aim.example.com, without a user, a query or a fragment; its token comes by HASP_AIM_TOKEN',
    );
  }
  return url;
}
