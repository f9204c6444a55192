import { isLimited, type Policy, type Rule, type RuleFacts } from '@hasp/core/rules';

/** A use that stands in the log: each record that says by whose limit it counts, and by which rule. */
export interface RecordedUse {
  readonly limitKey?: unknown;
  readonly rule?: unknown;
  /** RFC 3339. */
  readonly time?: unknown;
}

/** How much one key has used of one rule. */
interface Count {
  /** Taken out of the bucket and not yet flowed back, as of `at`. */
  spent: number;
  /** On the monotonic clock, in milliseconds. */
  at: number;
  /** What flows back in a millisecond. */
  refill: number;
  /** Only where the rule has maxUses. */
  uses: number;
}

const MINUTE_MS = 60_000;
/** Rules times keys: about 3 MB. Who is over it, is told no. */
const MAX_COUNTS = 20_000;
const SWEEP_MS = 1_000;

/** For how long a use counts, in milliseconds: of these rules, by the one that remembers the longest. */
export function memoryOf({ rules }: Policy): number {
  return Math.max(0, ...rules.filter(isLimited).map(ruleMemory));
}

/** A bucket is full again after so long. */
function ruleMemory(rule: Rule): number {
  return rule.constraints.maxUses === undefined
    ? MINUTE_MS * Math.max(1, refillMinutes(rule))
    : Number.POSITIVE_INFINITY;
}

/**
 * What the rules' rateLimit and maxUses have to know. A key is the public id of a token, or a session's id:
 * never a name that the caller can choose. Time is that of a clock that nobody sets.
 */
export class Limits {
  readonly #monotonic: () => number;
  readonly #counts = new Map<string, Map<string, Count>>();
  #size = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Counted (key, rule) pairs: bounded. */
  get size(): number {
    return this.#size;
  }

  /** For `evaluate`. */
  factsOf(key: string): Pick<RuleFacts, 'hasTokenLeft' | 'uses'> {
    return {
      hasTokenLeft: (rule) => this.retryAfterMs(key, rule) === 0,
      uses: (rule) => this.#find(key, rule)?.uses ?? (this.#hasRoom() ? 0 : Number.POSITIVE_INFINITY),
    };
  }

  /** When the rule's bucket will have a token for this key. */
  retryAfterMs(key: string, rule: Rule): number {
    const { rateLimit } = rule.constraints;
    if (rateLimit === undefined) return 0;
    const count = this.#find(key, rule);
    if (count === undefined) return this.#hasRoom() ? 0 : SWEEP_MS;
    const refill = rateLimit.maxPerMinute / MINUTE_MS;
    const spent = spentNow(count, refill, this.#monotonic());
    const missing = spent + 1 - capacityOf(rateLimit);
    // A token is whole in spite of what its parts add up to.
    return missing <= 1e-9 ? 0 : Math.max(1, Math.ceil(missing / refill));
  }

  /** Counts one use. Call it in the same turn as the evaluation that allowed it, so that no other comes between. */
  take(key: string, rule: Rule): void {
    if (isLimited(rule)) this.#add(key, rule, this.#monotonic());
  }

  /** What was taken came to nothing. */
  giveBack(key: string, rule: Rule): void {
    const count = this.#find(key, rule);
    if (count === undefined) return;
    count.spent = Math.max(0, count.spent - 1);
    count.uses = Math.max(0, count.uses - 1);
  }

  /** The key will not be seen again: its session has ended, its token was revoked. */
  forget(key: string): void {
    this.#size -= this.#counts.get(key)?.size ?? 0;
    this.#counts.delete(key);
  }

  /**
   * Counts anew what the log tells, oldest first, for the rules that there are now.
   * @param now milliseconds since 1970
   * @param isLive whether a key can still be used; what others have used matters no more.
   */
  rebuild(records: Iterable<RecordedUse>, policy: Policy, now: number, isLive: (key: string) => boolean): void {
    this.#counts.clear();
    this.#size = 0;
    const rules = new Map(policy.rules.filter(isLimited).map((rule) => [rule.id, rule]));
    const monotonic = this.#monotonic();
    for (const { limitKey, rule: id, time } of records) {
      if (typeof limitKey !== 'string') continue;
      const rule = rules.get(String(id));
      if (rule === undefined || !isLive(limitKey)) continue;
      // A record of the future: the clock was set back. It counts as of now.
      const age = Math.max(0, now - Date.parse(String(time)));
      if (age >= ruleMemory(rule)) continue;
      this.#add(limitKey, rule, monotonic - (Number.isNaN(age) ? 0 : age));
    }
  }

  #add(key: string, rule: Rule, at: number): void {
    const { rateLimit, maxUses } = rule.constraints;
    const refill = (rateLimit?.maxPerMinute ?? 0) / MINUTE_MS;
    const count = this.#find(key, rule) ?? this.#make(key, rule, at);
    const spent = rateLimit === undefined ? 0 : spentNow(count, refill, at) + 1;
    // Never more than the bucket holds: it is full again a while later, whatever happened to the clock.
    count.spent = rateLimit === undefined ? 0 : Math.min(spent, capacityOf(rateLimit));
    count.at = Math.max(count.at, at);
    count.refill = refill;
    if (maxUses !== undefined) count.uses += 1;
  }

  #find(key: string, rule: Rule): Count | undefined {
    return this.#counts.get(key)?.get(rule.id);
  }

  #make(key: string, rule: Rule, at: number): Count {
    const count = { spent: 0, at, refill: 0, uses: 0 };
    const ofKey = this.#counts.get(key) ?? new Map<string, Count>();
    this.#counts.set(key, ofKey.set(rule.id, count));
    this.#size += 1;
    return count;
  }

  /** A bucket that is full again is as good as none. */
  #hasRoom(): boolean {
    if (this.#size < MAX_COUNTS) return true;
    const now = this.#monotonic();
    if (now - this.#sweptAt < SWEEP_MS) return false;
    this.#sweptAt = now;
    for (const [key, ofKey] of this.#counts) {
      for (const [id, count] of ofKey) {
        if (count.uses > 0 || spentNow(count, count.refill, now) > 0) continue;
        ofKey.delete(id);
        this.#size -= 1;
      }
      if (ofKey.size === 0) this.#counts.delete(key);
    }
    return this.#size < MAX_COUNTS;
  }
}

/** At least one, so that a rate of less than one in a minute is one in some minutes. */
function capacityOf({ maxPerMinute }: { readonly maxPerMinute: number }): number {
  return Math.max(1, maxPerMinute);
}

function refillMinutes({ constraints: { rateLimit } }: Rule): number {
  return rateLimit === undefined ? 0 : capacityOf(rateLimit) / rateLimit.maxPerMinute;
}

function spentNow(count: Count, refill: number, now: number): number {
  return Math.max(0, count.spent - Math.max(0, now - count.at) * refill);
}
