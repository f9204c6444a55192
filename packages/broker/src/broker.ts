import {
  type AuditEvent,
  type AuditSink,
  type Clock,
  type Decision,
  deliveryFields,
  type GrantDeniedEvent,
  type GrantIssuedEvent,
  HaspError,
  type Home,
  type IssuedGrant,
  issueGrant,
  type Random,
  type Reference,
  requestGrant,
} from '@hasp/core';
import { canJudgePeers } from '@hasp/process-tree';
import type { Vault } from '@hasp/vault';
import type { AskedGrant } from './asked-grants.ts';
import { type Allowed, checkVariables, decideAll, type Explained, openAll, wipeAll } from './decision.ts';
import { type Granted, OpenRun, scopeOf } from './open-run.ts';
import { RecordTexts } from './record-texts.ts';
import { Redaction } from './redaction.ts';
import type { RunRequest } from './run-request.ts';

export interface RunLog extends AuditSink {
  /** Its end, or a place before it. */
  head(): { readonly offset: number };
}

/** What was granted, without holding a value. */
export interface Reopened {
  /** Each value is opened when it is fetched. */
  asked(granted: readonly Granted[]): readonly AskedGrant[];
  /** As `RecordTexts.text`; where the values can't be opened, nothing of a text is told. */
  mask(granted: readonly Allowed[]): (text: string) => string;
}

export interface BrokerParts {
  readonly home: Home;
  readonly vault: Vault;
  readonly log: RunLog;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the match engine: names the build whose tables may be kept. Without it none are. */
  readonly engine?: string;
  /** Of a broker that may be locked while its runs live. */
  readonly reopened?: Reopened;
}

/** The only way by which a value leaves the vault for a process: decide, record, then hand out. */
export class Broker {
  readonly #parts: BrokerParts;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /**
   * Grants everything that the request names, or nothing. When it returns, every grant is recorded
   * and on disk, files are delivered, and the caller owes `end` on what it got.
   * @param decisions on each wish, for an agent; a person's are made here
   * @throws HaspError as the refusal has it; a denial is recorded first. E_AUDIT_WRITE, E_STORAGE,
   * E_CHAIN_BROKEN where it can't be recorded or protected.
   */
  resolve(request: RunRequest, decisions: readonly Decision[] = this.#decide(request)): OpenRun {
    const { vault } = this.#parts;
    checkPeersAreKnown(request);
    const run = hex(this.#parts.random(8));
    const opened = openAll(request, vault, decisions);
    if (!Array.isArray(opened)) {
      this.#parts.log.append(deniedEvents(run, request, opened.rule, opened.why));
      throw opened.error;
    }
    try {
      checkVariables(request, opened);
      return this.#issue(run, request, opened);
    } catch (error) {
      wipeAll(opened);
      throw error;
    }
  }

  /** Masks every managed value in streams that are nobody's run. */
  redaction(): Redaction {
    return new Redaction(this.#parts.vault, this.#parts.engine);
  }

  /** What `resolve` would decide, and whether the vault has it; delivers and records nothing. */
  explain(request: RunRequest, decisions: readonly Decision[] = this.#decide(request)): Explained[] {
    const { vault } = this.#parts;
    return request.wishes.flatMap((wish, index) => {
      const decision = decisions[index];
      if (decision === undefined) return [];
      const found = versionOf(wish.binding.reference, vault);
      return [{ wish, decision, ...(found === undefined ? {} : { version: found }) }];
    });
  }

  /** A text of the command line as an error may show it: without the values that the request would open. */
  mask(request: RunRequest, text: string): string {
    const opened = openAll(request, this.#parts.vault, this.#decide(request));
    if (!Array.isArray(opened)) return text;
    try {
      return textsOf(opened).text(text);
    } finally {
      wipeAll(opened);
    }
  }

  /** Of a person. What an agent may have is decided by those who know the rules. */
  #decide(request: RunRequest): readonly Decision[] {
    if (request.agent !== undefined) throw new Error('an agent is decided about elsewhere');
    return decideAll(request, this.#parts.vault);
  }

  #issue(run: string, request: RunRequest, opened: readonly Allowed[]): OpenRun {
    const issuedAt = this.#parts.clock();
    const expiresAt = issuedAt + request.ttlMs;
    const texts = textsOf(opened);
    const granted = opened.map((allowed, index) => ({
      ...allowed,
      grant: issue(allowed, `${run}-${index + 1}`, issuedAt, expiresAt),
    }));
    const open = OpenRun.begin(this.#parts, {
      run,
      command: texts.command(request.command),
      labels: labelsOf(request, texts),
      request,
      granted,
      mask: this.#parts.reopened?.mask(opened) ?? ((text) => texts.text(text)),
      startedAt: issuedAt,
      expiresAt,
    });
    try {
      this.#parts.log.append(granted.map(({ grant }) => issuedEvent(run, request, grant, texts)));
    } catch (error) {
      open.abandon();
      throw error;
    } finally {
      if (this.#parts.reopened) texts.wipe();
    }
    try {
      open.deliver();
    } catch (error) {
      open.end({ reason: 'spawn-failed', survivors: [] });
      throw error;
    }
    return open;
  }
}

/** Who asks must be known for certain, and an orphan must stay below the wrapper. @throws HaspError E_PEER_UNKNOWN */
function checkPeersAreKnown({ wishes, caller }: RunRequest): void {
  if (wishes.every(({ binding }) => binding.delivery.kind !== 'ask')) return;
  if (caller.tracking === 'full' && canJudgePeers()) return;
  throw new HaspError(
    'E_PEER_UNKNOWN',
    'on this system hasp is not told for certain who asks, so nothing is granted with --ask',
    'it needs Linux, the optional package koffi and a /proc of its own; or deliver with --env, --file or --stdin',
  );
}

/** For a vault that can't be opened: the log takes denials without its key. */
export function recordLockedDenial(log: AuditSink, random: Random, request: RunRequest, error: HaspError): void {
  log.append(deniedEvents(hex(random(8)), request, 'vault-locked', error.message));
}

/** The version that a reference stands for now; undefined where the vault has none. */
function versionOf({ name, version }: Reference, vault: Vault): number | undefined {
  try {
    const versions = vault.history(name).map((entry) => entry.version);
    return version === undefined ? Math.max(...versions) : versions.find((candidate) => candidate === version);
  } catch (error) {
    if (error instanceof HaspError && error.code === 'E_SECRET_MISSING') return undefined;
    throw error;
  }
}

function issue(allowed: Allowed, id: string, issuedAt: number, expiresAt: number): IssuedGrant {
  const requested = requestGrant({ id, secret: allowed.binding.reference.name, delivery: allowed.binding.delivery });
  return issueGrant(requested, { version: allowed.version, rule: allowed.rule, issuedAt, expiresAt });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function deniedEvents(run: string, request: RunRequest, rule: string, why: string): GrantDeniedEvent[] {
  const texts = new RecordTexts([]);
  return request.wishes.map(({ binding }, index) => ({
    type: 'grant.denied',
    grant: `${run}-${index + 1}`,
    secret: binding.reference.name,
    ...deliveryFields(binding.delivery),
    ...runFacts(run, request, texts),
    rule,
    why,
  }));
}

function issuedEvent(run: string, request: RunRequest, grant: IssuedGrant, texts: RecordTexts): GrantIssuedEvent {
  const { wrapper, tracking } = request.caller;
  return {
    type: 'grant.issued',
    grant: grant.id,
    secret: grant.secret,
    version: grant.version,
    ...deliveryFields(grant.delivery),
    scope: scopeOf(grant.delivery, request),
    rule: grant.rule,
    expiresAt: new Date(grant.expiresAt).toISOString(),
    ...runFacts(run, request, texts),
    stragglers: request.stragglers,
    wrapper,
    tracking,
    ...(request.agent === undefined ? {} : { limitKey: request.agent.limitKey }),
  };
}

function runFacts(run: string, request: RunRequest, texts: RecordTexts) {
  const { caller } = request;
  return {
    run,
    ...(request.agent === undefined ? {} : agentFields(request.agent)),
    ...labelsOf(request, texts),
    command: texts.command(request.command),
    cwd: texts.text(caller.cwd),
    uid: caller.uid,
    host: caller.host,
  } satisfies Partial<AuditEvent>;
}

function agentFields({ name, session }: NonNullable<RunRequest['agent']>) {
  return { agent: name, ...(session === undefined ? {} : { session }) };
}

function labelsOf({ project, target, reason }: RunRequest, texts: RecordTexts) {
  return {
    ...(project === undefined ? {} : { project: texts.text(project) }),
    ...(target === undefined ? {} : { target: texts.text(target) }),
    ...(reason === undefined ? {} : { reason: texts.text(reason) }),
  };
}

function textsOf(opened: readonly Allowed[]): RecordTexts {
  return new RecordTexts(opened.map(({ binding, value }) => ({ name: binding.reference.name, bytes: value.reveal() })));
}
