import { formatDuration } from '../duration.ts';
import type { Question, RuleFacts } from './question.ts';
import type { ConstraintKey, Constraints, Rule } from './rule.ts';
import { describeWindow, isWithin } from './time-window.ts';

/** Why a constraint does not hold, in a sentence; or that nobody has asked the identity server yet. */
export interface Failure {
  readonly key: ConstraintKey;
  readonly why: string;
  readonly needsIdentity?: true;
}

type Check<T> = (limit: T, question: Question, facts: RuleFacts, rule: Rule) => string | typeof UNASKED | undefined;

const UNASKED = Symbol('the identity server was not asked');

/** In the order in which they are looked at: what the identity server has to be asked for comes last. */
const CHECKS: { readonly [K in ConstraintKey]-?: Check<NonNullable<Constraints[K]>> } = {
  timeWindow: (window, _, { now }) =>
    isWithin(window, now) ? undefined : `Outside the time window (${describeWindow(window)})`,
  scopeCheck: (wanted, _, { scopesGrown }) =>
    wanted && scopesGrown ? 'The scopes of the secret have grown since its baseline' : undefined,
  maxTtlMs: (most, { ttlMs }) =>
    ttlMs !== undefined && ttlMs > most
      ? `Asked for ${formatDuration(ttlMs)}, at most ${formatDuration(most)} is allowed`
      : undefined,
  maxUses: (most, _, { uses }, rule) => (uses(rule) < most ? undefined : `All uses are spent (${most})`),
  rateLimit: ({ maxPerMinute }, _, { hasTokenLeft }, rule) =>
    hasTokenLeft(rule) ? undefined : `Rate limit exceeded (${maxPerMinute}/min)`,
  minTrustScore: (least, _, { identity }) => {
    if (identity === undefined) return UNASKED;
    const required = `Trust score of at least ${least} required`;
    if (identity.state !== 'answered') return `${required}, but ${NO_ANSWER[identity.state]}`;
    if (identity.trustScore === undefined) return `${required}, but the identity server gives none`;
    // Written so that no number that can't be compared passes.
    return identity.trustScore >= least ? undefined : `Trust score ${identity.trustScore} is below ${least}`;
  },
  requireCapability: (capability, _, { identity }) => {
    if (identity === undefined) return UNASKED;
    const name = JSON.stringify(capability);
    if (identity.state !== 'answered') return `Capability ${name} required, but ${NO_ANSWER[identity.state]}`;
    return identity.capabilities.includes(capability) ? undefined : `The agent lacks the capability ${name}`;
  },
};

const NO_ANSWER = {
  'not-configured': 'no identity server is configured',
  unreachable: 'the identity server does not answer',
  refused: 'the identity server refuses the question',
  'unknown-agent': 'the identity server does not know the agent',
} as const;

/** The first constraint of the rule that does not hold. */
export function failedConstraint(rule: Rule, question: Question, facts: RuleFacts): Failure | undefined {
  for (const key of Object.keys(CHECKS) as ConstraintKey[]) {
    const why = checkOne(key, rule, question, facts);
    if (why === UNASKED) return { key, why: 'The identity server has to be asked', needsIdentity: true };
    if (why !== undefined) return { key, why };
  }
  return undefined;
}

function checkOne<K extends ConstraintKey>(key: K, rule: Rule, question: Question, facts: RuleFacts) {
  const limit = rule.constraints[key];
  if (limit === undefined) return undefined;
  return (CHECKS[key] as Check<unknown>)(limit, question, facts, rule);
}
