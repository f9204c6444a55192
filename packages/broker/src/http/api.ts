import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GrantEndReason } from '@hasp/core';
import { selfIdentity } from '@hasp/process-tree';
import type { Transport } from '../fetch/asker.ts';
import { Fetching } from '../fetch/fetching.ts';
import { LINK_PROTOCOL } from '../link/hello.ts';
import type { ApiParts } from './api-parts.ts';
import { drain, readBody } from './body.ts';
import { type Caller, OWNER } from './caller.ts';
import { type Connection, Connections } from './connections.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { makeFinder } from './find-route.ts';
import { checkForm } from './form.ts';
import { Identification } from './identify.ts';
import { makeMetrics } from './metrics.ts';
import { checkOrigin } from './origin.ts';
import { Refusal, type Reply, rawReply, refusal, replyTo, send } from './reply.ts';
import type { Api } from './route.ts';
import { ROUTES } from './routes.ts';

/** From the first byte of a request to its last. */
const REQUEST_MS = 10_000;
const HEADERS_MS = 5_000;
const IDLE_MS = 30_000;
const CHECK_MS = 1_000;
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16 * 1024;
/** Being answered at once; a person may be asked for some of them. */
const MOST_BUSY = 4_096;
/** How long a stop waits for what is being answered. */
const DRAIN_MS = 1_000;
const DRAIN_STEP_MS = 2;
const EMPTY = Buffer.alloc(0);

/** Between two looks at what has become of tokens: what one that was revoked has open is closed by then. */
const TICK_MS = 50;
/** The vault notes how far the log has come at every so manieth look. */
const MARK_TICKS = 20;

const find = makeFinder(ROUTES);

/** The broker's HTTP: one table of routes, for any number of servers. */
export class BrokerApi {
  readonly #api: Api;
  readonly #identification: Identification;
  readonly #timer: NodeJS.Timeout;
  #busy = 0;
  /** Answers that are not with the kernel yet. */
  #unsent = 0;
  #isDraining = false;
  /** How many records there were when the vault noted the log. */
  #marked = 0;
  #ticks = 0;

  constructor(parts: ApiParts) {
    const { uid, host, log } = parts;
    const connections = new Connections(parts.mostConnections);
    const metrics = makeMetrics();
    const fetching = new Fetching({
      ...parts,
      vault: () => parts.vault(),
      facts: { uid, host, broker: selfIdentity() },
      withdrawn: (limitKey) => connections.close(limitKey),
      decided: metrics.decided,
    });
    const attempts = new FailedAttempts({ log, monotonic: () => performance.now() });
    this.#api = { parts, fetching, connections, attempts, metrics };
    this.#identification = new Identification({
      ...parts,
      vault: () => parts.peekVault(),
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** @param hosts what the broker may be called; over the unix socket anything */
  server(transport: Transport, hosts?: () => ReadonlySet<string>): Server {
    const server = createServer({
      keepAliveTimeout: IDLE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // `checkForm` does that, and says why.
      requireHostHeader: false,
    });
    server.maxHeadersCount = MAX_HEADERS;
    const { connections } = this.#api;
    server.on('connection', (socket) => connections.add(socket, transport));
    for (const event of ['request', 'checkExpectation'])
      server.on(event, (request, response) => void this.#answer(request, response, hosts));
    server.on('connect', (_, socket) => refuseRaw(socket, 400));
    server.on('clientError', refuseUnread);
    return server;
  }

  /** Ends the grants of tokens that hold no more, and closes what they have open. */
  recheck(): void {
    const { fetching, connections, parts } = this.#api;
    const held = new Set([...fetching.live.map(({ limitKey }) => limitKey), ...connections.shownTokens()]);
    held.delete(OWNER);
    if (held.size === 0) return;
    try {
      const ends = this.#identification.tokenEnds();
      const now = parts.clock();
      for (const tokenId of held) if (!(now < (ends.get(tokenId) ?? 0))) this.endAll('agent-revoked', tokenId);
    } catch {
      // Locked: then nobody has a grant, and no token of an agent can be judged.
    }
  }

  /** The vault is about to be locked: nothing is fetched any more. */
  withdraw(): void {
    this.#api.fetching.end(() => true, 'revoked');
  }

  /** Ends what is fetched here, and closes the connections of whoever had it. Everything, where no key is named. */
  endAll(reason: GrantEndReason, limitKey?: string): void {
    const { fetching, connections } = this.#api;
    fetching.end((grant) => limitKey === undefined || grant.limitKey === limitKey, reason);
    for (const key of limitKey === undefined ? connections.limitKeys() : [limitKey]) connections.close(key);
  }

  /** Whether the connection speaks another protocol from here on, and is the caller's; else it is refused. */
  handOver(request: IncomingMessage, socket: Duplex): boolean {
    this.#api.connections.release(socket);
    if (request.headers.upgrade?.toLowerCase() === LINK_PROTOCOL) return true;
    refuseRaw(socket, 400);
    return false;
  }

  /** Nothing new is taken from here on. Resolves when all that was asked has its answer, or after a moment. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const end = performance.now() + DRAIN_MS;
    do await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS));
    while (this.#unsent > 0 && performance.now() < end);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#api.fetching.close();
    this.#api.attempts.close();
  }

  #tick(): void {
    this.recheck();
    this.#ticks += 1;
    const { fetching, parts } = this.#api;
    if (this.#ticks % MARK_TICKS !== 0 || this.#marked === fetching.recorded) return;
    this.#marked = fetching.recorded;
    try {
      parts.mark();
    } catch {
      // At the next look, or by the next hasp.
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    hosts: (() => ReadonlySet<string>) | undefined,
  ): Promise<void> {
    const { parts, connections, metrics } = this.#api;
    const askedAt = performance.now();
    parts.counted();
    const connection = connections.of(request.socket);
    if (connection === undefined || connection.condemned) {
      request.socket.destroy();
      return;
    }
    connection.busy += 1;
    this.#busy += 1;
    this.#unsent += 1;
    response.once('close', () => {
      this.#unsent -= 1;
    });
    let reply: Reply;
    try {
      reply = await this.#reply(request, response, connection, askedAt, hosts?.());
    } catch (error) {
      reply = replyTo(error);
    }
    connection.busy -= 1;
    this.#busy -= 1;
    metrics.answered(reply.status);
    send(response, reply, request.complete || request.destroyed ? undefined : drain(request));
  }

  async #reply(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
    askedAt: number,
    hosts: ReadonlySet<string> | undefined,
  ): Promise<Reply> {
    const { attempts } = this.#api;
    if (this.#isDraining) throw stopping();
    if (this.#busy > MOST_BUSY) throw tooMany();
    let caller: Caller | undefined;
    try {
      checkForm(request);
      if (hosts !== undefined) checkOrigin(request, hosts);
      caller = this.#identification.callerOf(request, connection);
      connection.limitKey = caller.limitKey;
      connection.showsToken = caller.kind === 'agent';
      const found = find(request.method ?? '', request.url ?? '');
      if (found.kind === 'unknown') throw refusal(404, 'E_USAGE', 'no such route');
      if (found.kind === 'other-method')
        throw refusal(405, 'E_USAGE', 'not by this method', { headers: ['Allow', found.allow] });
      const { route, id } = found;
      if (route.isOwners === true && caller.kind !== 'owner')
        throw refusal(403, caller.session === undefined ? 'E_DENIED' : 'E_AGENT_SESSION', 'for the owner alone');
      const body = route.takes === undefined ? EMPTY : await readBody(request);
      const gone = (): AbortSignal => goneSignal(response);
      const answerNow = (reply: Reply): void => send(response, reply);
      return await route.deed({ caller, request, id, body, askedAt, gone, reply: answerNow }, this.#api);
    } catch (error) {
      // Only who has shown nothing that holds is slowed down.
      if (!(error instanceof Refusal) || caller !== undefined) throw error;
      if (attempts.isFlood) connection.condemned = true;
      if (!(await attempts.note())) throw tooMany();
      return connection.condemned ? { ...error.reply, closes: true } : error.reply;
    }
  }
}

function tooMany(): Refusal {
  return refusal(429, 'E_DENIED', 'too many requests at once', { headers: ['Retry-After', '1'], closes: true });
}

function stopping(): Refusal {
  const headers = ['Retry-After', '1'];
  return refusal(503, 'E_BROKER_UNREACHABLE', 'the broker stops', { headers, closes: true });
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

/** What Node could not read as a request. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  refuseRaw(socket, UNREAD[error.code ?? ''] ?? 400);
}

const UNREAD: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

function refuseRaw(socket: Duplex, status: number): void {
  socket.end(rawReply(status), () => socket.destroy());
}
