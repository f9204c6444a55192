import { type AuditSink, type Clock, type GrantEndReason, HaspError, type Home, type Random } from '@hasp/core';
import { isAlive, selfIdentity } from '@hasp/process-tree';
import { endedEvent } from '../ended-event.ts';
import { dropRevocation, type RequestedEnd } from '../revocation.ts';
import { discard, type RunState, runFile, writeRunFile } from '../run-file.ts';
import { type FetchedGrant, type GrantTerms, termsKey } from './fetched-grant.ts';
import { requestedEnds, watchRequestedEnds } from './requested-ends.ts';

export interface LiveGrantsParts {
  readonly home: Home;
  readonly log: AuditSink & { head(): { readonly offset: number } };
  readonly clock: Clock;
  readonly random: Random;
  /** Its grants were taken back. */
  withdrawn(limitKey: string): void;
}

/** What a new grant is made of. */
export type NewGrant = GrantTerms & Pick<FetchedGrant, 'agent' | 'peer' | 'reason' | 'endsAt' | 'expiresAt'>;

/** More are not kept at once: each is a file. */
const MOST_LIVE_GRANTS = 4_096;
const SWEEP_MS = 1_000;
/** Of a renewed grant the file is written anew when it is behind by so much: `hasp grants` shows it. */
const SHOWN_BEHIND_MS = 10_000;

interface Kept {
  readonly grant: FetchedGrant;
  state: RunState;
}

/**
 * The grants whose values are fetched from the broker, each with its file in `run/`: so the commands show and end
 * them as those of a run, and if the broker is killed, the next hasp records their ends.
 */
export class LiveGrants {
  readonly #parts: LiveGrantsParts;
  readonly #byTerms = new Map<string, Kept>();
  readonly #byRun = new Map<string, Kept>();
  /** Ended, and not recorded so yet: the log could not be written. */
  readonly #owed = new Map<Kept, GrantEndReason>();
  #timer: NodeJS.Timeout | undefined;
  #watched: { close(): void } | undefined;

  constructor(parts: LiveGrantsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byRun.size;
  }

  get all(): readonly FetchedGrant[] {
    return [...this.#byRun.values()].map(({ grant }) => grant);
  }

  find(terms: GrantTerms): FetchedGrant | undefined {
    const grant = this.#byTerms.get(termsKey(terms))?.grant;
    return grant !== undefined && this.#parts.clock() < grant.expiresAt ? grant : undefined;
  }

  has(grant: FetchedGrant): boolean {
    return this.#byRun.get(grant.run)?.grant === grant;
  }

  /** Its state is on disk when this returns; its record is the caller's. @throws HaspError E_STORAGE, E_DENIED for too many */
  begin(wanted: NewGrant): FetchedGrant {
    this.#endOld(wanted);
    if (this.size >= MOST_LIVE_GRANTS) throw new HaspError('E_DENIED', 'too many grants are live', 'see hasp grants');
    const { home, log, clock, random } = this.#parts;
    const run = Buffer.from(random(8)).toString('hex');
    const grant: FetchedGrant = { ...wanted, id: `${run}-1`, run, issuedAt: clock() };
    const state = stateOf(grant, log.head().offset);
    writeRunFile(home, state, true);
    const kept = { grant, state };
    this.#byTerms.set(termsKey(grant), kept);
    this.#byRun.set(run, kept);
    this.#watch();
    return grant;
  }

  /** It was never recorded: leaves no trace. */
  abandon(grant: FetchedGrant): void {
    if (!this.has(grant)) return;
    this.#forget(grant);
    discard(runFile(this.#parts.home, grant.run));
  }

  renew(grant: FetchedGrant, ttlMs: number): void {
    grant.expiresAt = Math.max(grant.expiresAt, Math.min(this.#parts.clock() + ttlMs, grant.endsAt));
    const kept = this.#byRun.get(grant.run);
    if (kept === undefined || grant.expiresAt - kept.state.expiresAt < SHOWN_BEHIND_MS) return;
    kept.state = { ...kept.state, expiresAt: grant.expiresAt };
    try {
      writeRunFile(this.#parts.home, kept.state, false);
    } catch (error) {
      // Only what is shown is behind.
      if (!(error instanceof HaspError)) throw error;
    }
  }

  /** Nothing is fetched by them from here on; their ends are recorded, now or as soon as they can be. */
  end(which: (grant: FetchedGrant) => boolean, reason: GrantEndReason): FetchedGrant[] {
    const ended = [...this.#byRun.values()].filter(({ grant }) => which(grant));
    for (const kept of ended) {
      this.#forget(kept.grant);
      this.#owed.set(kept, reason);
    }
    this.#recordEnds();
    return ended.map(({ grant }) => grant);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watched?.close();
  }

  /** Ends those whose process or time is over, and those that another hasp asks to end. */
  sweep(): void {
    const now = this.#parts.clock();
    this.end(({ expiresAt }) => now >= expiresAt, 'ttl');
    this.end(({ holder }) => holder !== undefined && isAlive(holder) === false, 'exited');
    for (const request of requestedEnds(this.#parts.home)) this.#revoke(request);
    this.#recordEnds();
  }

  #revoke({ id: run, reason }: RequestedEnd): void {
    const limitKey = this.#byRun.get(run)?.grant.limitKey;
    if (limitKey === undefined) return;
    this.end((grant) => grant.run === run, reason);
    this.#parts.withdrawn(limitKey);
  }

  /** One of the same terms that is over and was not swept yet. */
  #endOld(terms: GrantTerms): void {
    const old = this.#byTerms.get(termsKey(terms));
    if (old !== undefined) this.end((grant) => grant === old.grant, 'ttl');
  }

  #forget(grant: FetchedGrant): void {
    this.#byRun.delete(grant.run);
    this.#byTerms.delete(termsKey(grant));
  }

  #recordEnds(): void {
    if (this.#owed.size === 0) return;
    const { home, log, clock } = this.#parts;
    const owed = [...this.#owed];
    const now = clock();
    try {
      log.append(
        owed.map(([{ grant }, reason]) =>
          endedEvent(grant.run, grant.id, grant.secret, { reason, survivors: [] }, true, now - grant.issuedAt),
        ),
      );
    } catch {
      // The sweep tries again; if we are killed before, the next hasp does.
      return;
    }
    for (const [kept] of owed) {
      this.#owed.delete(kept);
      discard(runFile(home, kept.grant.run));
      dropRevocation(home, kept.grant.run);
    }
  }

  #watch(): void {
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    this.#watched ??= watchRequestedEnds(this.#parts.home, (request) => this.#revoke(request));
  }
}

function stateOf(grant: FetchedGrant, logOffset: number): RunState {
  const { id, run, secret, version, agent, reason, issuedAt, expiresAt, holder } = grant;
  return {
    version: 1,
    run,
    wrapper: selfIdentity(),
    ...(holder === undefined ? {} : { root: holder }),
    members: [],
    grants: [{ id, secret, version, delivery: 'ask', scope: holder === undefined ? 'tree' : 'root' }],
    files: [],
    command: [],
    stragglers: 'leave',
    graceMs: 0,
    agent,
    ...(reason === undefined ? {} : { reason }),
    isFetched: true,
    startedAt: issuedAt,
    expiresAt,
    logOffset,
  };
}
