import {
  type AuditEvent,
  type AuditSink,
  type Clock,
  type ErrorCode,
  formatVersionedName,
  type GrantEndReason,
  HaspError,
  type Home,
  MAX_TTL_MS,
  type Random,
  type Reference,
} from '@hasp/core';
import type { Vault } from '@hasp/vault';
import { openOne } from '../decision.ts';
import { RecordTexts } from '../record-texts.ts';
import type { Asker } from './asker.ts';
import type { DecideFetch, FetchDecision } from './fetch-decision.ts';
import { type Asked, deliveredEvent, deniedEvent, issuedEvent, type RecordFacts } from './fetch-events.ts';
import type { FetchedGrant } from './fetched-grant.ts';
import { GroupCommit } from './group-commit.ts';
import { LiveGrants } from './live-grants.ts';

export interface FetchingParts {
  readonly home: Home;
  readonly log: AuditSink & { head(): { readonly offset: number } };
  readonly clock: Clock;
  readonly random: Random;
  readonly facts: RecordFacts;
  readonly decide: DecideFetch;
  /** @throws HaspError E_VAULT_LOCKED */
  vault(): Vault;
  /** Grants of this token or of the owner were taken back. */
  withdrawn(limitKey: string): void;
  /** Every decision that was recorded. */
  decided(outcome: 'allowed' | 'denied', rule: string): void;
}

/** One question to the broker, from who may ask it. */
export interface FetchQuestion {
  readonly reference: Reference;
  readonly reason?: string;
  readonly ttlMs?: number;
  /** When it came, by `performance.now`. */
  readonly askedAt: number;
  /** The value is handed out with the answer, and that is recorded. */
  readonly delivers: boolean;
  /** Called for where a person is asked: whoever waits has gone. */
  gone(): AbortSignal;
  /** Called with a grant as soon as it is on disk, a moment before `resolve` returns it. It may not throw. */
  granted?(answer: Granted): void;
}

type Granted = FetchAnswer & { readonly kind: 'granted' };

export type FetchAnswer =
  | { readonly kind: 'granted'; readonly grant: FetchedGrant; readonly value?: string }
  | { readonly kind: 'denied'; readonly code: ErrorCode; readonly rule: string; readonly why: string };

const DEFAULT_TTL_MS = 5 * 60_000;
/** A decision that took no longer was made in the turn of the loop in which the token was looked at. */
const SAME_TURN_MS = 5;
const NO_TEXTS = new RecordTexts([]);

/** Who may fetch what from the broker itself: decide, record, then hand out. */
export class Fetching {
  readonly #parts: FetchingParts;
  readonly #commits: GroupCommit;
  readonly #grants: LiveGrants;
  #recorded = 0;

  constructor(parts: FetchingParts) {
    this.#parts = parts;
    this.#commits = new GroupCommit(parts.log);
    this.#grants = new LiveGrants(parts);
  }

  get live(): readonly FetchedGrant[] {
    return this.#grants.all;
  }

  /** Decisions on record. */
  get recorded(): number {
    return this.#recorded;
  }

  get liveCount(): number {
    return this.#grants.size;
  }

  /**
   * When it resolves, the decision is on disk.
   * @throws HaspError E_AUDIT_WRITE, E_CHAIN_BROKEN, E_STORAGE: not recorded, so no value; E_VAULT_LOCKED
   */
  async resolve(asker: Asker, question: FetchQuestion): Promise<FetchAnswer> {
    const { reference, ttlMs } = question;
    const reason = question.reason === undefined ? undefined : NO_TEXTS.text(question.reason);
    // Locked: then nobody is asked.
    this.#parts.vault();
    const wish = {
      secret: reference.name,
      ...(reference.version === undefined ? {} : { version: reference.version }),
      ...(reason === undefined ? {} : { reason }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    };
    const decision = await this.#parts.decide(asker, wish, question.gone);
    const asked: Asked = { ...(reason === undefined ? {} : { reason }), latencyMs: since(question.askedAt) };
    if (decision.effect === 'deny') return this.refuse(asker, reference, decision, asked);
    try {
      if (asked.latencyMs > SAME_TURN_MS && !asker.holds())
        throw new HaspError('E_DENIED', 'what it was asked with holds no more');
      // A decision takes its time where a person is asked: it may have been locked meanwhile.
      return await this.#grant(asker, question, decision, asked, this.#parts.vault());
    } catch (error) {
      decision.giveBack?.();
      if (error instanceof NotGranted) return this.refuse(asker, reference, error, asked);
      throw error;
    }
  }

  /** Records a denial, and gives it as the answer. @throws HaspError as `resolve` */
  async refuse(
    asker: Asker,
    reference: Reference,
    denied: { readonly rule: string; readonly why: string; readonly code: ErrorCode },
    asked: Asked,
  ): Promise<FetchAnswer> {
    const run = Buffer.from(this.#parts.random(8)).toString('hex');
    await this.#commits.append([deniedEvent(run, reference.name, denied, asker, asked, this.#parts.facts)]);
    this.#decided('denied', denied.rule);
    return { kind: 'denied', code: denied.code, rule: denied.rule, why: denied.why };
  }

  /** Their ends are on record, or will be as soon as the log can be written. */
  end(which: (grant: FetchedGrant) => boolean, reason: GrantEndReason): FetchedGrant[] {
    return this.#grants.end(which, reason);
  }

  /** Ends what is over. */
  sweep(): void {
    this.#grants.sweep();
  }

  close(): void {
    this.#commits.flush();
    this.#grants.end(() => true, 'revoked');
    this.#grants.close();
  }

  #decided(outcome: 'allowed' | 'denied', rule: string): void {
    this.#recorded += 1;
    this.#parts.decided(outcome, rule);
  }

  async #grant(
    asker: Asker,
    question: FetchQuestion,
    decision: FetchDecision & { readonly effect: 'allow' },
    asked: Asked,
    vault: Vault,
  ): Promise<FetchAnswer> {
    const opened = openOne(question.reference, vault);
    if (opened === undefined)
      throw new NotGranted('E_SECRET_MISSING', 'secret-missing', 'the vault has no such secret');
    const value = question.delivers ? textOf(opened.value.reveal()) : undefined;
    opened.value.wipe();
    if (question.delivers && value === undefined) {
      const why = `${formatVersionedName(question.reference)} is not UTF-8 text, and JSON has no bytes: deliver it with hasp run --file`;
      throw new NotGranted('E_USAGE', 'not-text', why);
    }
    const use = decision.limitKey === undefined ? {} : { limitKey: decision.limitKey };
    const { grant, isNew } = this.#find(asker, question, decision, opened.version, asked.reason);
    const delivered = question.delivers ? [deliveredEvent(grant, asker, { ...asked, ...use })] : [];
    // Each use is counted by one record.
    const issued = isNew
      ? [issuedEvent(grant, question.delivers ? asked : { ...asked, ...use }, this.#parts.facts)]
      : [];
    const answer: Granted = { kind: 'granted', grant, ...(value === undefined ? {} : { value }) };
    await this.#commit(grant, isNew, [...issued, ...delivered], () => question.granted?.(answer));
    this.#decided('allowed', decision.rule);
    return answer;
  }

  /** The live grant of the same terms, renewed, or a new one. */
  #find(
    asker: Asker,
    { reference, ttlMs }: FetchQuestion,
    { rule, maxTtlMs = MAX_TTL_MS }: FetchDecision & { readonly effect: 'allow' },
    version: number,
    reason: string | undefined,
  ): { readonly grant: FetchedGrant; readonly isNew: boolean } {
    const terms = {
      limitKey: asker.limitKey,
      secret: reference.name,
      version,
      rule,
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(asker.transport === 'socket' && asker.peer !== undefined ? { holder: asker.peer.identity } : {}),
    };
    const longest = Math.min(ttlMs ?? DEFAULT_TTL_MS, maxTtlMs, MAX_TTL_MS);
    const live = this.#grants.find(terms);
    if (live !== undefined) {
      this.#grants.renew(live, longest);
      return { grant: live, isNew: false };
    }
    const now = this.#parts.clock();
    const grant = this.#grants.begin({
      ...terms,
      agent: asker.agent,
      ...(asker.peer === undefined ? {} : { peer: asker.peer }),
      ...(reason === undefined ? {} : { reason }),
      expiresAt: now + longest,
      endsAt: now + Math.min(maxTtlMs, MAX_TTL_MS),
    });
    return { grant, isNew: true };
  }

  #commit(grant: FetchedGrant, isNew: boolean, events: readonly AuditEvent[], onDisk: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#commits.add({
        events,
        holds: () => this.#grants.has(grant),
        done: () => {
          onDisk();
          resolve();
        },
        failed: (error) => {
          // In the same step as the append: nobody can find a grant that was never recorded.
          if (isNew) this.#grants.abandon(grant);
          reject(error ?? new NotGranted('E_DENIED', 'revoked', 'the grant was ended at this moment'));
        },
      });
    });
  }
}

/** Allowed, and yet not granted: a denial like any other. */
class NotGranted extends Error {
  readonly code: ErrorCode;
  readonly rule: string;
  readonly why: string;

  constructor(code: ErrorCode, rule: string, why: string) {
    super(why);
    this.code = code;
    this.rule = rule;
    this.why = why;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function since(start: number): number {
  return Math.round((performance.now() - start) * 1_000) / 1_000;
}
