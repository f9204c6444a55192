import { createHash, timingSafeEqual } from 'node:crypto';
import { HaspError } from '@hasp/core';
import { type Agent, decodeAgent, encodeAgent, type StoredAgent, withoutHash } from './agent.ts';
import { timeText } from './encoding.ts';
import { type Texts, textsOf } from './inside.ts';
import type { Vault, VaultPorts } from './vault.ts';

export type { Agent };

/** A token as it is shown, once: the vault keeps its hash. */
export interface NewToken {
  readonly agent: Agent;
  readonly token: string;
}

const PREFIX = 'hasp_agt_';
const TOKEN = /^hasp_agt_[A-Za-z0-9_-]{43}$/;
const TOKEN_BYTES = 32;
const ID_BYTES = 8;
const NOTED_MS = 600_000;

/** The agents that a vault knows. Changes may be made within a transaction of the vault, to be recorded in it. */
export class Agents {
  readonly #vault: Vault;
  readonly #ports: VaultPorts;
  readonly #texts: Texts;
  /** As of the vault's stamp. */
  #known: { readonly stamp: Buffer; readonly byHash: ReadonlyMap<string, StoredAgent> } | undefined;

  constructor(vault: Vault, ports: VaultPorts) {
    this.#vault = vault;
    this.#ports = ports;
    this.#texts = textsOf(vault, 'agent');
  }

  /** Sorted by name. */
  list(): Agent[] {
    const agents = this.#texts.all().map((text) => withoutHash(decodeAgent(text)));
    return agents.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @param ttlMs how long the token holds; for ever if absent. @throws HaspError E_EXISTS */
  add(name: string, ttlMs?: number): NewToken {
    return this.#vault.transaction(() => {
      if (this.#texts.find(name)) {
        throw new HaspError(
          'E_EXISTS',
          `there is already an agent named ${name}`,
          `give it a new token with: hasp agent rotate ${name}`,
        );
      }
      const now = this.#ports.clock();
      return this.#mint({ name, createdAt: timeText(now) }, now, ttlMs);
    });
  }

  /** A new token, for as long as the old one was made for; the old one is refused from now on. @throws HaspError E_AGENT_MISSING */
  rotate(name: string): NewToken {
    return this.#vault.transaction(() => {
      const { createdAt, rotatedAt, expiresAt, lastUsedAt } = this.#require(name);
      const ttlMs = expiresAt === undefined ? undefined : Date.parse(expiresAt) - Date.parse(rotatedAt ?? createdAt);
      const now = this.#ports.clock();
      const kept = lastUsedAt === undefined ? {} : { lastUsedAt };
      return this.#mint({ name, createdAt, rotatedAt: timeText(now), ...kept }, now, ttlMs);
    });
  }

  /** The agent that there was. @throws HaspError E_AGENT_MISSING */
  revoke(name: string): Agent {
    return this.#vault.transaction(() => {
      const agent = this.#require(name);
      this.#texts.remove(name);
      return withoutHash(agent);
    });
  }

  /**
   * Whose token this is, now: a change by another process counts at once. Undefined for what is no token, and
   * for one that was revoked, replaced or has expired.
   */
  findByToken(token: string): Agent | undefined {
    if (!TOKEN.test(token)) return undefined;
    const hash = hashOf(token);
    const agent = this.#byHash().get(hash);
    if (agent === undefined || !timingSafeEqual(Buffer.from(agent.tokenHash), Buffer.from(hash))) return undefined;
    const { expiresAt } = agent;
    // Written so that no time that can't be read is in the future.
    if (expiresAt !== undefined && !(this.#ports.clock() < Date.parse(expiresAt))) return undefined;
    return withoutHash(agent);
  }

  /** When the tokens that there are end, in milliseconds since 1970, by their public ids; read anew only after a change. */
  tokenEnds(): ReadonlyMap<string, number> {
    const agents = [...this.#byHash().values()];
    return new Map(
      agents.map(({ tokenId, expiresAt }) => [
        tokenId,
        expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
      ]),
    );
  }

  /** That its token was used now. Not kept exactly: each change makes the next run read all values anew. */
  noteUse({ name, tokenId }: Agent): void {
    const now = this.#ports.clock();
    this.#vault.transaction(() => {
      const text = this.#texts.find(name);
      const agent = text && decodeAgent(text);
      if (agent === undefined || agent.tokenId !== tokenId) return;
      if (agent.lastUsedAt !== undefined && Math.abs(now - Date.parse(agent.lastUsedAt)) < NOTED_MS) return;
      this.#texts.put(name, encodeAgent({ ...agent, lastUsedAt: timeText(now) }));
    });
  }

  #mint(facts: Omit<StoredAgent, 'tokenId' | 'tokenHash'>, now: number, ttlMs: number | undefined): NewToken {
    const token = PREFIX + Buffer.from(this.#ports.random(TOKEN_BYTES)).toString('base64url');
    const agent: StoredAgent = {
      ...facts,
      tokenId: Buffer.from(this.#ports.random(ID_BYTES)).toString('hex'),
      tokenHash: hashOf(token),
      ...(ttlMs === undefined ? {} : { expiresAt: timeText(now + ttlMs) }),
    };
    this.#texts.put(agent.name, encodeAgent(agent));
    return { agent: withoutHash(agent), token };
  }

  #require(name: string): StoredAgent {
    const text = this.#texts.find(name);
    if (text) return decodeAgent(text);
    throw new HaspError('E_AGENT_MISSING', `no agent named ${name}`, 'see hasp agent list');
  }

  #byHash(): ReadonlyMap<string, StoredAgent> {
    const stamp = this.#texts.stamp();
    if (this.#known?.stamp.equals(stamp) !== true) {
      const agents = this.#texts.all().map(decodeAgent);
      // The stamp was taken first: what changed meanwhile shows by the next one.
      this.#known = { stamp, byHash: new Map(agents.map((agent) => [agent.tokenHash, agent])) };
    }
    return this.#known.byHash;
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}
