import type { IncomingMessage } from 'node:http';
import type { Clock, Random } from '@hasp/core';
import { type Peer, peerOfTcp } from '@hasp/process-tree';
import type { Vault } from '@hasp/vault';
import { type Agent, Agents } from '@hasp/vault/agents';
import { peerOfSocket } from '../socket-peer.ts';
import type { Sessions } from './api-parts.ts';
import { type Caller, OWNER, type SessionFacts } from './caller.ts';
import type { Connection } from './connections.ts';
import { refusal } from './reply.ts';
import { makeComparison } from './same-text.ts';

export interface IdentifyParts {
  readonly uid: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly ownerToken: string;
  /** @throws HaspError E_VAULT_LOCKED */
  vault(): Vault;
  readonly sessions: Pick<Sessions, 'any' | 'of'>;
}

const AGENT_PREFIX = 'hasp_agt_';
const NOTED_MS = 600_000;

/** Who is behind a connection: the kernel tells it once. */
interface Behind {
  readonly peer?: Peer;
  /** All that have the connection open. */
  readonly holders: readonly Peer[];
  readonly uid?: number;
}

export class Identification {
  readonly #parts: IdentifyParts;
  readonly #isOwners: (token: string) => boolean;
  readonly #behind = new WeakMap<Connection, Behind>();
  readonly #noted = new Map<string, number>();
  #agents: { readonly of: Vault; readonly known: Agents } | undefined;

  constructor(parts: IdentifyParts) {
    this.#parts = parts;
    this.#isOwners = makeComparison(parts.ownerToken);
  }

  /** @throws Refusal 401 for who shows nothing that holds, 403; HaspError E_VAULT_LOCKED */
  callerOf(request: IncomingMessage, connection: Connection): Caller {
    const token = tokenOf(request);
    if (connection.transport === 'tcp' && token === undefined) throw unauthorized();
    if (token?.startsWith(AGENT_PREFIX)) return this.#agent(token, connection);
    if (token !== undefined && !this.#isOwners(token)) throw unauthorized();
    return this.#owner(connection, token !== undefined);
  }

  /** When the tokens of agents end, by their public ids. @throws HaspError E_VAULT_LOCKED */
  tokenEnds(): ReadonlyMap<string, number> {
    return this.#registry().tokenEnds();
  }

  #agent(token: string, connection: Connection): Caller {
    const agent = this.#registry().findByToken(token);
    if (agent === undefined) throw unauthorized();
    const { peer, holders, uid } = this.#lookBehind(connection);
    const session = this.#sessionOf(holders);
    this.#noteUse(agent);
    return {
      kind: 'agent',
      name: agent.name,
      limitKey: agent.tokenId,
      transport: connection.transport,
      ...(peer === undefined ? {} : { peer }),
      ...(session === undefined ? {} : { session }),
      isHidden: uid === this.#parts.uid && holders.length === 0,
      holds: () => this.#registry().findByToken(token)?.tokenId === agent.tokenId,
    };
  }

  #owner(connection: Connection, showsToken: boolean): Caller {
    const { peer, holders, uid } = this.#lookBehind(connection);
    if (peer === undefined) throw refusal(403, 'E_PEER_UNKNOWN', 'who asks can not be found on this machine');
    if (uid !== this.#parts.uid) throw refusal(403, 'E_DENIED', 'this broker is another user’s');
    const session = this.#sessionOf(holders);
    const { transport } = connection;
    if (session === undefined)
      return { kind: 'owner', limitKey: OWNER, transport, peer, isHidden: false, holds: () => true };
    if (showsToken) throw refusal(403, 'E_AGENT_SESSION', 'inside an agent’s session the owner’s token holds nothing');
    const { id, agent } = session;
    return { kind: 'member', name: agent, limitKey: id, transport, peer, session, isHidden: false, holds: () => true };
  }

  #sessionOf(holders: readonly Peer[]): SessionFacts | undefined {
    for (const { identity } of holders) {
      const session = this.#parts.sessions.of(identity);
      if (session !== undefined) return session;
    }
    return undefined;
  }

  #lookBehind(connection: Connection): Behind {
    const known = this.#behind.get(connection);
    if (known !== undefined) return known;
    const found =
      connection.transport === 'socket' ? behindSocket(connection) : behindTcp(connection, this.#parts.sessions.any);
    this.#behind.set(connection, found);
    return found;
  }

  #registry(): Agents {
    const vault = this.#parts.vault();
    if (this.#agents?.of !== vault) this.#agents = { of: vault, known: new Agents(vault, this.#parts) };
    return this.#agents.known;
  }

  /** Each note is a change of the vault, so not at each request. */
  #noteUse(agent: Agent): void {
    const now = this.#parts.clock();
    const before = this.#noted.get(agent.tokenId);
    if (before !== undefined && Math.abs(now - before) < NOTED_MS) return;
    this.#noted.set(agent.tokenId, now);
    const registry = this.#registry();
    setImmediate(() => {
      try {
        registry.noteUse(agent);
      } catch {
        // A full disk or a vault that was locked meanwhile: it is noted at another time.
        this.#noted.delete(agent.tokenId);
      }
    });
  }
}

function behindSocket({ socket }: Connection): Behind {
  const peer = peerOfSocket(socket);
  return peer === undefined ? { holders: [] } : { peer, holders: [peer], uid: peer.uid };
}

/** @param all nobody can be inside of a session where there is none: then one that has it open will do */
function behindTcp({ socket }: Connection, all: boolean): Behind {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined || remoteAddress === undefined || remotePort === undefined)
    return { holders: [] };
  const found = peerOfTcp(
    { address: localAddress, port: localPort },
    { address: remoteAddress, port: remotePort },
    all ? 'all' : 'one',
  );
  if (found === undefined) return { holders: [] };
  const { holders, uid } = found;
  const peer = holders[0];
  return { ...(peer === undefined ? {} : { peer }), holders, uid };
}

/** Undefined where none is shown. @throws Refusal 400 for several, 401 for what is no bearer's */
function tokenOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const { rawHeaders } = request;
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 13 && rawHeaders[at]?.toLowerCase() === 'authorization') count += 1;
  if (count > 1) throw refusal(400, 'E_USAGE', 'more than one Authorization header');
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthorized();
  return token;
}

function unauthorized() {
  return refusal(401, 'E_DENIED', 'a token that holds is needed: Authorization: Bearer TOKEN', {
    headers: ['WWW-Authenticate', 'Bearer realm="hasp"'],
  });
}
