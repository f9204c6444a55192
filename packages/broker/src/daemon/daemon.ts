import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { AuditLog, SealingBeside } from '@hasp/audit';
import { type AuditEvent, HaspError, type ProcessIdentity } from '@hasp/core';
import type { Finder, NamedValue } from '@hasp/match';
import { type ConnectedPeer, selfIdentity } from '@hasp/process-tree';
import type { Vault } from '@hasp/vault';
import { scopesGrown } from '@hasp/vault/scopes';
import { endAsked } from '../end-asked.ts';
import { BrokerApi } from '../http/api.ts';
import { ownHosts } from '../http/origin.ts';
import type { Frame } from '../link/frames.ts';
import { welcome } from '../link/hello.ts';
import { managedFinder } from '../managed-finder.ts';
import { sessionsForApi } from '../session/api-sessions.ts';
import { Sessions } from '../session/sessions.ts';
import { peerOfSocket } from '../socket-peer.ts';
import { AgentDecisions } from './agent-decisions.ts';
import { Approvals } from './approvals.ts';
import { type Controlled, takeControl } from './controls.ts';
import type { DaemonParts, DaemonStatus } from './daemon-parts.ts';
import { DecidedRuns } from './decided-runs.ts';
import { fetchDecisions } from './fetch-decisions.ts';
import { type ControlDeed, Line, type LineHost } from './line.ts';
import { listenOnLoopback } from './loopback.ts';
import { endLostWrapper } from './lost-wrapper.ts';
import { OpenVault } from './open-vault.ts';
import { mindOverdue, type Timed } from './overdue.ts';
import { brokerFacts, publish } from './published.ts';
import { Rulebook } from './rulebook.ts';
import { listenAt } from './socket-place.ts';

const OWNER_TOKEN_BYTES = 32;
/** The home may be removed, or another broker have taken the place: then nobody reaches this one. */
const WATCH_MS = 5_000;
const OVERDUE_MS = 500;
const LEAST_CONNECTIONS = 64;

/** One unlocked vault, one log, for every process that asks: until `stop`. */
export class Daemon implements LineHost {
  readonly #parts: DaemonParts;
  readonly #log: AuditLog;
  /** The same, for what somebody waits for. */
  readonly #answerLog: SealingBeside;
  readonly #startedAt: number;
  readonly #lines = new Set<Line>();
  readonly #servers: Server[] = [];
  readonly #undo: (() => void)[] = [];
  readonly #ended: Promise<void>;
  readonly #token = randomBytes(OWNER_TOKEN_BYTES).toString('base64url');
  #resolveEnded: () => void = () => {};
  readonly runs: DecidedRuns;
  readonly sessions: Sessions;
  readonly #vault: OpenVault;
  readonly #rulebook: Rulebook;
  readonly #approvals: Approvals;
  readonly #api: BrokerApi;
  readonly #controlled: Controlled;
  #watch: NodeJS.Timeout | undefined;
  #overdue: NodeJS.Timeout | undefined;
  #httpPort: number | undefined;
  #requests = 0;
  #stopping = false;
  /** Of lost runs: their ends are recorded one after the other. */
  #reconciling: Promise<unknown> = Promise.resolve();

  private constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.#log = AuditLog.open(parts.home, parts.clock);
    this.#answerLog = new SealingBeside(this.#log);
    this.#startedAt = parts.clock();
    this.#vault = new OpenVault(parts, this.#log, this.#answerLog, parts.idleMs, () => this.lock('idle'));
    this.#approvals = new Approvals(parts.clock, parts.random);
    const record = (event: AuditEvent): void => this.#vault.record(event);
    this.#rulebook = new Rulebook({ ...parts, record, sealedEnd: () => this.#log.head().offset });
    const vault = (): Vault => this.#vault.vault;
    this.sessions = new Sessions({ ...parts, vault, record, ended: (session) => this.#forget(session) }, this.#log);
    const decisions = new AgentDecisions(this.#rulebook, this.#approvals, parts.clock, (secret) =>
      scopesGrown(this.#vault.peek(), secret),
    );
    this.runs = new DecidedRuns(this.#vault, decisions);
    this.#api = new BrokerApi({
      ...parts,
      log: this.#answerLog,
      ownerToken: this.#token,
      sessions: sessionsForApi(this.sessions, parts.home),
      decide: fetchDecisions(decisions, this.#rulebook),
      mostConnections: Math.max(LEAST_CONNECTIONS, Math.floor(parts.descriptors / 2)),
      status: () => this.status(),
      mark: () => this.#vault.writeMark(),
      counted: () => {
        this.#requests += 1;
      },
      vault,
      peekVault: () => this.#vault.peek(),
    });
    this.#controlled = {
      vault: this.#vault,
      rulebook: this.#rulebook,
      approvals: this.#approvals,
      sessions: this.sessions,
      lock: () => this.lock('asked'),
      stop: () => void this.stop(),
    };
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

  get isUnlocked(): boolean {
    return this.#vault.isOpen;
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
      runs: [...this.#lines].filter((line) => line.held !== undefined).length,
    };
  }

  finder(more: NamedValue | undefined): Finder {
    return managedFinder(this.#vault.vault, this.#parts.engine, more);
  }

  /** Reads the policy again; where it is wrong that is recorded and told, and the rules stay as they are. */
  reload(): void {
    try {
      this.#rulebook.reload();
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
    }
  }

  lock(why: 'asked' | 'idle' | 'stopped'): void {
    this.#api.withdraw();
    this.#vault.lock(why);
    this.#endIfUseless();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return this.#ended;
    this.#stopping = true;
    const { home, clock } = this.#parts;
    this.#approvals.close();
    await this.#api.drain();
    try {
      this.#api.close();
      this.#vault.lock('stopped');
      for (const { run } of this.#lines) if (run !== undefined) endAsked(home, this.#log, clock, run, 'revoked');
      this.#log.append([{ type: 'broker.stopped', pid: process.pid }]);
    } catch {
      // It stops all the same.
    }
    for (const line of this.#lines) line.release();
    await this.#reconciling;
    this.#close();
    this.#resolveEnded();
  }

  control(deed: ControlDeed, frame: Frame, peer: ConnectedPeer): object {
    this.#requests += 1;
    if (deed === 'status') return this.status();
    if (peer.uid !== this.#parts.uid) throw new HaspError('E_DENIED', 'only the owner of the broker may do that');
    this.sessions.refuseInside(peer, 'the broker is not told what to do');
    return takeControl(deed, frame, this.#controlled) ?? this.status();
  }

  lost(id: string, wrapper: ProcessIdentity): void {
    // A stop lets go of the runs, which go on and end themselves.
    if (this.#stopping) return;
    this.sessions.lose(id);
    this.#reconciling = this.#reconciling.then(() => this.#endLost(wrapper));
  }

  #timed(): Timed[] {
    const runs = [...this.#lines].flatMap(({ timed }) => (timed === undefined ? [] : [timed]));
    return [...runs, ...this.sessions.timed];
  }

  #forget(session: string): void {
    this.#rulebook.limits.forget(session);
    this.#endIfUseless();
  }

  async #endLost(wrapper: ProcessIdentity): Promise<void> {
    const { home, clock } = this.#parts;
    try {
      for (const id of await endLostWrapper(home, this.#log, clock, wrapper)) this.sessions.forget(id);
      this.#vault.writeMark();
    } catch (error) {
      this.#parts.say(`a lost run could not be ended: ${error instanceof Error ? error.message : 'unknown'}`);
    }
    this.#endIfUseless();
  }

  async #listen(): Promise<void> {
    const local = this.#api.server('socket');
    local.on('upgrade', (request, socket: Socket, head: Buffer) => {
      if (this.#api.handOver(request, socket)) this.#welcome(socket, head);
    });
    const place = await listenAt(this.#parts.home.brokerSocket, local);
    this.#undo.push(place.leave);
    this.#watch = setInterval(() => {
      if (!place.isOurs()) void this.stop();
      for (const { session, wrapper } of this.sessions.lost) this.lost(session, wrapper);
    }, WATCH_MS).unref();
    this.#overdue = setInterval(() => void mindOverdue(this.#timed(), this.#parts.clock()), OVERDUE_MS).unref();
    this.#servers.push(local);
    const { port, insecureAddress } = this.#parts;
    if (port === undefined) return;
    let hosts: ReadonlySet<string> | undefined;
    const tcp = this.#api.server('tcp', () => {
      hosts ??= ownHosts(this.#httpPort ?? 0, insecureAddress);
      return hosts;
    });
    this.#httpPort = await listenOnLoopback(tcp, port, insecureAddress);
    this.#servers.push(tcp);
  }

  #welcome(socket: Socket, head: Buffer): void {
    const peer = peerOfSocket(socket);
    if (peer === undefined || this.#stopping) {
      socket.destroy();
      return;
    }
    socket.write(welcome(this.#vault.isOpen, this.sessions.nameAbove(peer)));
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
    if ([...this.#lines].every((line) => line.held === undefined)) setImmediate(() => void this.stop());
  }

  #close(): void {
    clearInterval(this.#watch);
    clearInterval(this.#overdue);
    this.#rulebook.close();
    for (const undo of this.#undo.splice(0)) undo();
    for (const server of this.#servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    this.#answerLog.finish();
    this.#log.close();
  }
}
