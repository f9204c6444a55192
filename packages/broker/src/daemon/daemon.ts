import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { AuditLog } from '@hasp/audit';
import { HaspError, type ProcessIdentity } from '@hasp/core';
import type { Finder, NamedValue } from '@hasp/match';
import { type ConnectedPeer, peerBehind, selfIdentity } from '@hasp/process-tree';
import { scopesGrown } from '@hasp/vault/scopes';
import { BrokerApi } from '../http/api.ts';
import { NO_SESSIONS } from '../http/api-parts.ts';
import { ownHosts } from '../http/origin.ts';
import { count, object, text } from '../link/fields.ts';
import type { Frame } from '../link/frames.ts';
import { welcome } from '../link/hello.ts';
import { managedFinder } from '../managed-finder.ts';
import type { RunAgent } from '../run-request.ts';
import { AgentDecisions } from './agent-decisions.ts';
import { Approvals } from './approvals.ts';
import type { DaemonParts, DaemonStatus } from './daemon-parts.ts';
import { DecidedRuns } from './decided-runs.ts';
import { fetchDecisions } from './fetch-decisions.ts';
import { type ControlDeed, Line, type LineHost } from './line.ts';
import { listenOnLoopback } from './loopback.ts';
import { endLostWrapper } from './lost-wrapper.ts';
import { OpenVault } from './open-vault.ts';
import { brokerFacts, publish } from './published.ts';
import { Rulebook } from './rulebook.ts';
import { listenAt } from './socket-place.ts';

const OWNER_TOKEN_BYTES = 32;
/** The home may be removed, or another broker have taken the place: then nobody reaches this one. */
const WATCH_MS = 5_000;
const LEAST_CONNECTIONS = 64;

/** One unlocked vault, one log, for every process that asks: until `stop`. */
export class Daemon implements LineHost {
  readonly #parts: DaemonParts;
  readonly #log: AuditLog;
  readonly #startedAt: number;
  readonly #lines = new Set<Line>();
  readonly #servers: Server[] = [];
  readonly #undo: (() => void)[] = [];
  readonly #ended: Promise<void>;
  readonly #token = randomBytes(OWNER_TOKEN_BYTES).toString('base64url');
  #resolveEnded: () => void = () => {};
  readonly runs: DecidedRuns;
  readonly #vault: OpenVault;
  readonly #rulebook: Rulebook;
  readonly #approvals: Approvals;
  readonly #api: BrokerApi;
  #watch: NodeJS.Timeout | undefined;
  #httpPort: number | undefined;
  #requests = 0;
  #stopping = false;
  /** Of lost runs: their ends are recorded one after the other. */
  #reconciling: Promise<unknown> = Promise.resolve();

  private constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.#log = AuditLog.open(parts.home, parts.clock);
    this.#startedAt = parts.clock();
    this.#vault = new OpenVault(parts, this.#log, parts.idleMs, () => this.lock('idle'));
    this.#approvals = new Approvals(parts.clock, parts.random);
    this.#rulebook = new Rulebook({
      ...parts,
      record: (event) => this.#vault.record(event),
      isLive: () => true,
    });
    const decisions = new AgentDecisions(this.#rulebook, this.#approvals, parts.clock, (secret) =>
      scopesGrown(this.#vault.peek(), secret),
    );
    this.runs = new DecidedRuns(this.#vault, decisions);
    this.#api = new BrokerApi({
      ...parts,
      log: this.#log,
      ownerToken: this.#token,
      sessions: NO_SESSIONS,
      decide: fetchDecisions(decisions, this.#rulebook),
      mostConnections: Math.max(LEAST_CONNECTIONS, Math.floor(parts.descriptors / 2)),
      status: () => this.status(),
      mark: () => this.#vault.writeMark(),
      counted: () => {
        this.#requests += 1;
      },
      vault: () => this.#vault.vault,
      peekVault: () => this.#vault.peek(),
    });
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /**
   * Listens first, publishes last; nothing is left where it fails.
   * @param wrapping what opens the vault, wiped; without it the broker is locked
   * @throws HaspError E_EXISTS, E_WRONG_KEY, E_STORAGE, E_AUDIT_WRITE
   */
  static async start(parts: DaemonParts, wrapping: Uint8Array | undefined): Promise<Daemon> {
    const daemon = new Daemon(parts);
    try {
      await daemon.#listen();
      const port = daemon.#httpPort;
      daemon.#log.append([{ type: 'broker.started', pid: process.pid, ...(port === undefined ? {} : { port }) }]);
      await daemon.#rulebook.announce();
      if (wrapping !== undefined) daemon.#vault.unlock(wrapping);
      const facts = brokerFacts(selfIdentity(), daemon.#startedAt, parts.home, daemon.#httpPort);
      daemon.#undo.push(publish(parts.home, facts, parts.port === undefined ? undefined : daemon.#token));
      return daemon;
    } catch (error) {
      daemon.#close();
      throw error;
    }
  }

  /** Resolves when it has stopped. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  get host(): string {
    return this.#parts.host;
  }

  get descriptors(): number {
    return this.#parts.descriptors;
  }

  status(): DaemonStatus {
    const now = this.#parts.clock();
    return {
      pid: process.pid,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptimeSeconds: Math.max(0, Math.floor((now - this.#startedAt) / 1_000)),
      requestCount: this.#requests,
      socketPath: this.#parts.home.brokerSocket,
      httpPort: this.#httpPort ?? null,
      aim: this.#rulebook.identities.state(),
      policyFile: this.#rulebook.file,
      policyCount: this.#rulebook.policy.rules.length,
      isUnlocked: this.#vault.isOpen,
      runs: [...this.#lines].filter((line) => line.run !== undefined).length,
    };
  }

  finder(more: NamedValue | undefined): Finder {
    return managedFinder(this.#vault.vault, this.#parts.engine, more);
  }

  agentOf(_peer: ConnectedPeer): RunAgent | undefined {
    return undefined;
  }

  lock(why: 'asked' | 'idle' | 'stopped'): void {
    this.#api.withdraw();
    this.#vault.lock(why);
    this.#endIfUseless();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return this.#ended;
    this.#stopping = true;
    try {
      this.#api.close();
      this.#vault.lock('stopped');
      this.#log.append([{ type: 'broker.stopped', pid: process.pid }]);
    } catch {
      // It stops all the same.
    }
    for (const line of this.#lines) line.release();
    await this.#reconciling;
    this.#close();
    this.#resolveEnded();
  }

  control(deed: ControlDeed, { message, bytes }: Frame, peer: ConnectedPeer): object {
    this.#requests += 1;
    if (deed === 'status') return this.status();
    if (peer.uid !== this.#parts.uid) throw new HaspError('E_DENIED', 'only the owner of the broker may do that');
    if (deed === 'unlock') this.#unlockFor(message['unlock'], bytes);
    else if (deed === 'lock') this.lock('asked');
    else if (deed === 'stop') setImmediate(() => void this.stop());
    else if (deed === 'reload') this.#rulebook.reload();
    else if (deed === 'waiting') return { waiting: this.#approvals.waiting };
    else if (deed === 'approve') this.#approve(message['approve']);
    return this.status();
  }

  lost(_run: string, wrapper: ProcessIdentity): void {
    // A stop lets go of the runs, which go on and end themselves.
    if (this.#stopping) return;
    this.#reconciling = this.#reconciling.then(() => this.#endLost(wrapper));
  }

  #unlockFor(wanted: unknown, wrapping: Uint8Array): void {
    const { idleMs } = object(wanted, 'unlock');
    this.#vault.unlock(wrapping, idleMs === undefined ? undefined : count(idleMs, 'idleMs'));
  }

  #approve(wanted: unknown): void {
    const { id, approved } = object(wanted, 'approve');
    if (this.#approvals.settle(text(id, 'id'), approved === true)) return;
    throw new HaspError('E_GRANT_MISSING', 'no such request waits', 'see hasp approve');
  }

  async #endLost(wrapper: ProcessIdentity): Promise<void> {
    const { home, clock } = this.#parts;
    try {
      await endLostWrapper(home, this.#log, clock, wrapper);
      this.#vault.writeMark();
    } catch (error) {
      this.#parts.say(`a lost run could not be ended: ${error instanceof Error ? error.message : 'unknown'}`);
    }
    this.#endIfUseless();
  }

  async #listen(): Promise<void> {
    const local = this.#api.server('socket');
    local.on('upgrade', (request, socket: Socket, head: Buffer) => {
      if (request.url === undefined || request.headers.upgrade === undefined) socket.destroy();
      else this.#welcome(socket, head);
    });
    const place = await listenAt(this.#parts.home.brokerSocket, local);
    this.#undo.push(place.leave);
    this.#watch = setInterval(() => void (place.isOurs() || this.stop()), WATCH_MS).unref();
    this.#servers.push(local);
    const { port } = this.#parts;
    if (port === undefined) return;
    let hosts: ReadonlySet<string> | undefined;
    const tcp = this.#api.server('tcp', () => {
      hosts ??= ownHosts(this.#httpPort ?? 0);
      return hosts;
    });
    this.#httpPort = await listenOnLoopback(tcp, port);
    this.#servers.push(tcp);
  }

  #welcome(socket: Socket, head: Buffer): void {
    // Not in Node's documentation, and nothing that is gives the descriptor; absent once it is closed.
    const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
    const peer = fd < 0 ? undefined : peerBehind(fd);
    if (peer === undefined || this.#stopping) {
      socket.destroy();
      return;
    }
    this.#api.release(socket);
    socket.write(welcome(this.#vault.isOpen));
    if (head.length > 0) socket.unshift(head);
    const line: Line = new Line(socket, peer, this, () => {
      this.#lines.delete(line);
      this.#endIfUseless();
    });
    this.#lines.add(line);
  }

  #endIfUseless(): void {
    if (!this.#parts.endsWhenLocked || this.#vault.isOpen || this.#stopping) return;
    // What is being answered is answered first.
    if ([...this.#lines].every((line) => line.run === undefined)) setImmediate(() => void this.stop());
  }

  #close(): void {
    clearInterval(this.#watch);
    this.#rulebook.close();
    this.#approvals.close();
    for (const undo of this.#undo.splice(0)) undo();
    for (const server of this.#servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    this.#log.close();
  }
}
