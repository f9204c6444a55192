import { type Failure, failedConstraint } from './constraint.ts';
import { matchesGlob } from './glob.ts';
import type { Question, RuleFacts } from './question.ts';
import type { ConstraintKey, Policy, Rule } from './rule.ts';

export type Verdict =
  | {
      readonly effect: 'allow' | 'ask';
      readonly rule: string;
      readonly why: string;
      /** No grant by this rule may last longer. */
      readonly maxTtlMs?: number;
    }
  | {
      readonly effect: 'deny';
      readonly rule: string;
      readonly why: string;
      /** By a deny rule; else nothing has allowed it. */
      readonly explicit: boolean;
      /** The rule would have allowed it, but for this. */
      readonly failed?: ConstraintKey;
    }
  /** Ask the identity server about the agent, then evaluate again. */
  | { readonly effect: 'needs-identity'; readonly rule: string; readonly why: string };

/** What one rule has to say to a question. */
export interface RuleJudgement {
  readonly rule: Rule;
  readonly applies: boolean;
  readonly why: string;
  /** Its selectors match, and this constraint does not hold. */
  readonly failure?: Failure;
}

const DEFAULT_DENY = {
  explicit: false,
  effect: 'deny',
  rule: 'default-deny',
  why: 'No matching allow rule (default deny)',
} as const;

/**
 * The first line that applies decides.
 *  1. A deny rule that applies.
 *  2. The first allow or ask rule that applies. On the way to it: a rule that would, if the identity server
 *     says so.
 *  3. Denied by the first allow or ask rule of which only a constraint does not hold.
 *  4. Denied.
 */
export function evaluate(question: Question, policy: Policy, facts: RuleFacts): Verdict {
  for (const rule of policy.rules) {
    if (rule.effect === 'deny' && judge(rule, question, facts).applies) return verdictOf(rule);
  }
  let failed: (RuleJudgement & { readonly failure: Failure }) | undefined;
  for (const rule of policy.rules) {
    if (rule.effect === 'deny') continue;
    const judgement = judge(rule, question, facts);
    if (judgement.applies) return verdictOf(rule);
    const { failure, why } = judgement;
    if (failure?.needsIdentity) return { effect: 'needs-identity', rule: rule.id, why };
    if (failure !== undefined) failed ??= { ...judgement, failure };
  }
  if (failed === undefined) return DEFAULT_DENY;
  return { effect: 'deny', rule: failed.rule.id, why: failed.why, explicit: false, failed: failed.failure.key };
}

/** What each rule says, in the order of the file: to show why the others did not decide. */
export function judgeAll(question: Question, policy: Policy, facts: RuleFacts): RuleJudgement[] {
  return policy.rules.map((rule) => judge(rule, question, facts));
}

function verdictOf({ id, effect, constraints: { maxTtlMs } }: Rule): Verdict {
  if (effect === 'deny') return { effect, rule: id, why: `Denied by rule ${JSON.stringify(id)}`, explicit: true };
  const why = effect === 'allow' ? `Allowed by rule ${JSON.stringify(id)}` : `Rule ${JSON.stringify(id)} asks a person`;
  return { effect, rule: id, why, ...(maxTtlMs === undefined ? {} : { maxTtlMs }) };
}

function judge(rule: Rule, question: Question, facts: RuleFacts): RuleJudgement {
  const mismatch = mismatchOf(rule, question);
  if (mismatch !== undefined) return { rule, applies: false, why: mismatch };
  const failure = failedConstraint(rule, question, facts);
  if (failure !== undefined) return { rule, applies: false, why: failure.why, failure };
  return { rule, applies: true, why: 'Its selectors match, and its constraints hold' };
}

/** The first selector that does not match. */
function mismatchOf(rule: Rule, question: Question): string | undefined {
  const { agent, secret, delivery, command, target } = question;
  if (!matchesGlob(rule.agentSelector, agent)) return unlike('agent', rule.agentSelector);
  if (!matchesGlob(rule.credentialSelector, secret)) return unlike('secret', rule.credentialSelector);
  if (rule.deliveries !== undefined && !rule.deliveries.includes(delivery))
    return `It is for delivery by ${rule.deliveries.join(', ')}`;
  if (rule.targetSelector !== undefined && (target === undefined || !matchesGlob(rule.targetSelector, target)))
    return unlike('target', rule.targetSelector);
  if (rule.commandSelector === undefined) return undefined;
  // What no command is known of may go to the one that is denied.
  const matches = command === undefined ? rule.effect === 'deny' : matchesGlob(rule.commandSelector, command);
  return matches ? undefined : unlike('command', rule.commandSelector);
}

function unlike(what: string, selector: string): string {
  return `The ${what} is not like ${JSON.stringify(selector)}`;
}
