import type { AuditLog } from '@hasp/audit';
import { type AuditEvent, type Clock, HaspError, type Home, type ProcessIdentity, type Random } from '@hasp/core';
import { type ConnectedPeer, isAlive } from '@hasp/process-tree';
import type { Vault } from '@hasp/vault';
import type { Timed } from '../daemon/overdue.ts';
import type { RunOutcome } from '../ended-event.ts';
import { dropRevocation, requestEnd } from '../revocation.ts';
import { discard, sessionFile } from '../run-file.ts';
import type { RunAgent } from '../run-request.ts';
import { endingsOf, type Wanted } from './endings.ts';
import { type Above, sessionAbove } from './session-above.ts';
import { recordedSession, sessionEndedEvent } from './session-event.ts';
import type { SessionAnswer, SessionRequest } from './session-request.ts';
import { listSessions, type SessionState, writeSession } from './session-state.ts';
import { checkAgainstVault } from './withheld.ts';

export interface SessionsParts {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: Random;
  readonly uid: number;
  readonly host: string;
  /** @throws HaspError E_VAULT_LOCKED */
  vault(): Vault;
  record(event: AuditEvent): void;
  /** The session can use nothing any more. */
  ended(session: string): void;
}

/** The live sessions, as the broker itself has seen them begin: the files on disk are for those who come without it. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #log: AuditLog;
  readonly #live = new Map<string, SessionState>();
  /** Asked to end: it gets nothing more. */
  readonly #ending = new Set<string>();
  /** Where a peer was when it connected. */
  readonly #seen = new WeakMap<ConnectedPeer, Above>();

  /** Takes up those that another broker saw begin, as far as the log says the same as their files. */
  constructor(parts: SessionsParts, log: AuditLog) {
    this.#parts = parts;
    this.#log = log;
    for (const state of listSessions(parts.home)) {
      if (recordedSession(parts.home, state) === 'live') this.#live.set(state.session, state);
    }
  }

  /** Also those that are just ending. */
  list(): SessionState[] {
    return [...this.#live.values()];
  }

  /** Whether it can still be used. */
  isLive(session: string): boolean {
    const state = this.#live.get(session);
    if (state === undefined || this.#ending.has(session)) return false;
    return state.expiresAt === undefined || this.#parts.clock() < state.expiresAt;
  }

  /** Those that end in time. */
  get timed(): Timed[] {
    return this.list().flatMap(({ wrapper, expiresAt, graceMs }) =>
      expiresAt === undefined ? [] : [{ wrapper, expiresAt, graceMs }],
    );
  }

  /** Those whose wrapper was killed without this broker's being told. */
  get lost(): SessionState[] {
    return this.list().filter(({ wrapper }) => isAlive(wrapper) === false);
  }

  /** The session that the peer was in when it connected. @throws HaspError E_PEER_UNKNOWN */
  above(peer: ConnectedPeer): SessionState | undefined {
    const above = this.#seen.get(peer) ?? sessionAbove(peer.identity, this.list());
    this.#seen.set(peer, above);
    return sessionIn(above);
  }

  /** The session that a process is in now. @throws HaspError E_PEER_UNKNOWN */
  around(identity: ProcessIdentity): SessionState | undefined {
    return sessionIn(sessionAbove(identity, this.list()));
  }

  /** @throws HaspError E_AGENT_SESSION, E_PEER_UNKNOWN */
  refuseInside(peer: ConnectedPeer, what: string): void {
    const session = this.above(peer);
    if (session !== undefined) throw refused(session.agent, what);
  }

  /** For the welcome. */
  nameAbove(peer: ConnectedPeer): string | undefined {
    try {
      return this.above(peer)?.session;
    } catch {
      return 'unknown';
    }
  }

  /** On whose behalf a peer asks: undefined for a person. @throws HaspError E_SESSION_MISSING, E_PEER_UNKNOWN */
  agentOf(peer: ConnectedPeer): RunAgent | undefined {
    const session = this.above(peer);
    if (session === undefined) return undefined;
    if (!this.isLive(session.session)) {
      throw new HaspError('E_SESSION_MISSING', 'the session has ended', 'start another: hasp session start');
    }
    return { name: session.agent, session: session.session, limitKey: this.#outermost(session) };
  }

  /** How long a grant of the session may last at most. */
  msLeft(session: string | undefined): number {
    const { expiresAt } = this.#live.get(session ?? '') ?? {};
    return expiresAt === undefined ? Number.POSITIVE_INFINITY : Math.max(1, expiresAt - this.#parts.clock());
  }

  /**
   * @param environment what the session would inherit
   * @throws HaspError E_AGENT_SESSION under another agent, E_PEER_UNKNOWN, E_VAULT_LOCKED, E_STORAGE, E_AUDIT_WRITE
   */
  start(request: SessionRequest, environment: Buffer, peer: ConnectedPeer): SessionAnswer {
    const parent = this.#parentFor(request, peer);
    const { home, random, clock } = this.#parts;
    const vault = this.#parts.vault();
    const { command, cwd, withheld } = checkAgainstVault(vault, request, environment, random);
    const now = clock();
    const state: SessionState = {
      version: 1,
      session: Buffer.from(random(8)).toString('hex'),
      agent: request.agent,
      ...(parent === undefined ? {} : { parent: parent.session }),
      wrapper: peer.identity,
      members: [],
      command,
      cwd,
      graceMs: request.graceMs,
      keyExposed: request.keyExposed,
      startedAt: now,
      ...endOf(now, request.ttlMs, parent?.expiresAt),
      logOffset: this.#log.head().offset,
    };
    this.#begin(home, state, withheld);
    const { root, manifestHash } = request.projectFacts ?? {};
    const consent = root === undefined ? undefined : vault.consent(root);
    return { state, withheld, isTrusted: consent !== undefined && consent.manifestHash === manifestHash };
  }

  /** Returns what is to be told where the end can't be recorded. */
  end(session: string, outcome: RunOutcome): HaspError | undefined {
    const state = this.#live.get(session);
    if (state === undefined) return undefined;
    this.forget(session);
    try {
      this.#parts.record(sessionEndedEvent(state, outcome, this.#parts.clock()));
    } catch (error) {
      // Its state stays, and the next hasp records it.
      if (error instanceof HaspError) return error;
      throw error;
    }
    dropRevocation(this.#parts.home, session);
    discard(sessionFile(this.#parts.home, session));
    return undefined;
  }

  /** Keeps the state on disk equal to what is known of the tree. */
  note(session: string, tree: Pick<SessionState, 'members'> & { root?: ProcessIdentity }): void {
    const state = this.#live.get(session);
    if (state === undefined) return;
    const next = { ...state, ...tree };
    this.#live.set(session, next);
    try {
      writeSession(this.#parts.home, next, false);
    } catch (error) {
      if (!(error instanceof HaspError)) throw error;
    }
  }

  /** Its wrapper is gone: it gets nothing more. Its state is on disk for whoever ends it, also if somebody took that away. */
  lose(session: string): void {
    const state = this.#live.get(session);
    if (state === undefined) return;
    this.#ending.add(session);
    if (listSessions(this.#parts.home).some((one) => one.session === session)) return;
    if (recordedSession(this.#parts.home, state) === 'live') writeSession(this.#parts.home, state, false);
    else this.forget(session);
  }

  /** Ended by somebody else. */
  forget(session: string): void {
    const state = this.#live.get(session);
    this.#live.delete(session);
    this.#ending.delete(session);
    if (state !== undefined) this.#parts.ended(session);
  }

  /** At once nothing more is given to them; their wrappers are asked to end their trees. Returns what was asked. */
  revoke(wanted: Wanted): number {
    const endings = endingsOf(this.#parts.home, wanted);
    for (const { id } of endings) if (this.#live.has(id)) this.#ending.add(id);
    for (const ending of endings) requestEnd(this.#parts.home, ending);
    return endings.length;
  }

  /** By its key limits are counted: to begin another session within gives nothing anew. */
  #outermost({ session, parent }: SessionState): string {
    if (parent === undefined) return session;
    const outer = this.#live.get(parent);
    return outer === undefined ? parent : this.#outermost(outer);
  }

  #parentFor({ agent, tracking }: SessionRequest, peer: ConnectedPeer): SessionState | undefined {
    const { uid } = this.#parts;
    if (peer.uid !== uid) throw new HaspError('E_DENIED', 'only the owner of the broker may start a session');
    if (tracking !== 'full') throw untracked();
    const parent = this.above(peer);
    if (parent !== undefined && parent.agent !== agent) {
      throw refused(parent.agent, `a session of ${agent} is not started`);
    }
    if (parent !== undefined) this.agentOf(peer);
    return parent;
  }

  /** The file first: whoever is killed from here on leaves something to find. */
  #begin(home: Home, state: SessionState, withheld: readonly string[]): void {
    const { session, agent, parent, command, cwd, expiresAt, keyExposed, wrapper } = state;
    const { uid, host } = this.#parts;
    writeSession(home, state, true);
    try {
      this.#parts.record({
        type: 'session.started',
        session,
        agent,
        ...(parent === undefined ? {} : { parent }),
        command,
        cwd,
        ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
        keyExposed,
        withheld: withheld.slice(0, 256),
        wrapper,
        uid,
        host,
      });
    } catch (error) {
      discard(sessionFile(home, session));
      throw error;
    }
    this.#live.set(session, state);
  }
}

/** Never after the session that it is begun in. */
function endOf(now: number, ttlMs: number | undefined, parentEnd: number | undefined): { expiresAt?: number } {
  const expiresAt = Math.min(ttlMs === undefined ? Infinity : now + ttlMs, parentEnd ?? Infinity);
  return expiresAt === Infinity ? {} : { expiresAt };
}

function refused(agent: string, what: string): HaspError {
  return new HaspError(
    'E_AGENT_SESSION',
    `inside a session of ${agent} ${what}`,
    'let a person do it, outside of the session',
  );
}

/** Who can't be told is let nothing through. */
function sessionIn(above: Above): SessionState | undefined {
  if (above.kind === 'inside') return above.session;
  if (above.kind === 'outside') return undefined;
  throw new HaspError(
    'E_PEER_UNKNOWN',
    'it can not be told whether the process that asks is inside an agent session',
    'its parents must be visible in /proc; see hasp session list',
  );
}

function untracked(): HaspError {
  return new HaspError(
    'E_PEER_UNKNOWN',
    'on this system hasp is not told of every process of a session, so none is started',
    'it needs Linux, the optional package koffi and a /proc of its own',
  );
}
