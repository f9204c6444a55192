import { readRecordsSince, type StoredRecord } from '@hasp/audit';
import type { AuditEvent, Clock, HaspError, Home } from '@hasp/core';
import type { Policy, Rule } from '@hasp/core/rules';
import {
  type IdentityServer,
  identityServerAt,
  Limits,
  type LoadedPolicy,
  memoryOf,
  NO_IDENTITY_SERVER,
  PolicySource,
} from '../policy/index.ts';

export interface RulebookParts {
  readonly home: Home;
  readonly clock: Clock;
  readonly uid: number;
  /** Named by the user; else the home's own, which may be missing. */
  readonly policyFile?: string;
  readonly aimUrl?: string;
  readonly aimToken?: string;
  record(event: AuditEvent): void;
  /** In bytes. */
  sealedEnd(): number;
  /** One line for a person. */
  say(line: string): void;
}

/** The rules in force, what has been used of them, and who knows more of agents. */
export class Rulebook {
  readonly file: string;
  readonly limits: Limits;
  readonly identities: IdentityServer;
  readonly #parts: RulebookParts;
  readonly #source: PolicySource;
  #loaded: LoadedPolicy | undefined;
  #byId: ReadonlyMap<string, Rule> = new Map();

  /** @throws HaspError E_POLICY_INVALID, E_HOME_UNSAFE, E_USAGE */
  constructor(parts: RulebookParts) {
    const { home, uid, policyFile, aimUrl, aimToken } = parts;
    this.#parts = parts;
    this.file = policyFile ?? home.policy;
    const monotonic = () => performance.now();
    this.limits = new Limits(monotonic);
    this.identities =
      aimUrl === undefined
        ? NO_IDENTITY_SERVER
        : identityServerAt({
            url: aimUrl,
            ...(aimToken === undefined ? {} : { token: aimToken }),
            monotonic,
            onAuthError: ({ status, url }) => this.#record({ type: 'aim.auth_error', status, url }),
          });
    let isFirst = true;
    this.#source = new PolicySource({
      file: this.file,
      named: policyFile !== undefined,
      uid,
      onLoaded: (loaded) => {
        this.#take(loaded);
        if (!isFirst) this.#recordLoaded(loaded);
      },
      onRejected: (error) => this.#reject(error),
    });
    isFirst = false;
  }

  get policy(): Policy {
    return this.#source.policy;
  }

  /** Undefined for what is no rule of the file. */
  rule(id: string): Rule | undefined {
    return this.#byId.get(id);
  }

  /** Records the rules that it began with, and looks whether the identity server answers. */
  async announce(): Promise<void> {
    await this.identities.probe();
    if (this.#loaded !== undefined) this.#recordLoaded(this.#loaded);
  }

  /** @throws HaspError E_POLICY_INVALID: then the rules stay as they are */
  reload(): void {
    const problem = this.#source.reload();
    if (problem !== undefined) throw problem;
  }

  close(): void {
    this.#source.close();
  }

  #take(loaded: LoadedPolicy | undefined): void {
    this.#loaded = loaded;
    const policy: Policy = loaded?.policy ?? { rules: [] };
    const before = this.#byId;
    this.#byId = new Map(policy.rules.map((rule) => [rule.id, rule]));
    // A log may be long: what was counted so far goes on.
    if (policy.rules.some((rule) => isNewlyLimited(rule, before.get(rule.id)))) this.#recount(policy);
  }

  #recount(policy: Policy): void {
    const { home, clock, sealedEnd } = this.#parts;
    const now = clock();
    const records = readRecordsSince(home, now - memoryOf(policy), sealedEnd());
    this.limits.rebuild(recordedUses(records), policy, now, () => true);
  }

  #recordLoaded(loaded: LoadedPolicy | undefined): void {
    this.#record({
      type: 'policy.loaded',
      file: this.file,
      rules: loaded?.policy.rules.length ?? 0,
      ...(loaded === undefined ? {} : { sha256: loaded.sha256 }),
    });
  }

  #reject(error: HaspError): void {
    this.#record({ type: 'policy.rejected', file: this.file, failure: error.code, why: error.message });
    this.#parts.say(`the policy stays as it was: ${error.message}`);
  }

  #record(event: AuditEvent): void {
    try {
      this.#parts.record(event);
    } catch {
      this.#parts.say('a change of the policy could not be recorded');
    }
  }
}

/** By something that was not counted for it before. */
function isNewlyLimited({ constraints }: Rule, before: Rule | undefined): boolean {
  return (['maxUses', 'rateLimit'] as const).some(
    (key) => constraints[key] !== undefined && before?.constraints[key] === undefined,
  );
}

/** Grants that were issued and values that were fetched, each one use of a rule. */
function* recordedUses(records: Iterable<StoredRecord>) {
  for (const { record } of records) if (record['limitKey'] !== undefined) yield record;
}
