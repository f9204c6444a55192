import { meetsCommand } from './command.ts';
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
    if (rule.effect === 'deny' && obstacleOf(rule, question, facts) === undefined) return verdictOf(rule);
  }
  let failed: { readonly rule: Rule; readonly failure: Failure } | undefined;
  for (const rule of policy.rules) {
    if (rule.effect === 'deny') continue;
    const obstacle = obstacleOf(rule, question, facts);
    if (obstacle === undefined) return verdictOf(rule);
    if (typeof obstacle === 'string') continue;
    if (obstacle.needsIdentity) return { effect: 'needs-identity', rule: rule.id, why: obstacle.why };
    failed ??= { rule, failure: obstacle };
  }
  if (failed === undefined) return DEFAULT_DENY;
  const { rule, failure } = failed;
  return { effect: 'deny', rule: rule.id, why: failure.why, explicit: false, failed: failure.key };
}

/** What each rule says, in the order of the file: to show why the others did not decide. */
export function judgeAll(question: Question, policy: Policy, facts: RuleFacts): RuleJudgement[] {
  return policy.rules.map((rule) => {
    const obstacle = obstacleOf(rule, question, facts);
    if (obstacle === undefined) return { rule, applies: true, why: 'Its selectors match, and its constraints hold' };
    return { rule, applies: false, why: typeof obstacle === 'string' ? UNLIKE[obstacle](rule) : obstacle.why };
  });
}

function verdictOf({ id, effect, constraints: { maxTtlMs } }: Rule): Verdict {
  if (effect === 'deny') return { effect, rule: id, why: `Denied by rule ${JSON.stringify(id)}`, explicit: true };
  const why = effect === 'allow' ? `Allowed by rule ${JSON.stringify(id)}` : `Rule ${JSON.stringify(id)} asks a person`;
  return { effect, rule: id, why, ...(maxTtlMs === undefined ? {} : { maxTtlMs }) };
}

const UNLIKE = {
  agent: ({ agentSelector }) => `The agent is not like ${JSON.stringify(agentSelector)}`,
  secret: ({ credentialSelector }) => `The secret is not like ${JSON.stringify(credentialSelector)}`,
  command: ({ commandSelector }) => `The command is not like ${JSON.stringify(commandSelector)}`,
  target: ({ targetSelector }) => `The target is not like ${JSON.stringify(targetSelector)}`,
  delivery: ({ deliveries }) => `It is for delivery by ${deliveries?.join(', ')}`,
} as const satisfies Record<string, (rule: Rule) => string>;

/** Why the rule does not apply: the first selector that does not match, or the first constraint that does not hold. */
function obstacleOf(rule: Rule, question: Question, facts: RuleFacts): keyof typeof UNLIKE | Failure | undefined {
  return mismatchOf(rule, question) ?? failedConstraint(rule, question, facts);
}

function mismatchOf(rule: Rule, question: Question): keyof typeof UNLIKE | undefined {
  const { agent, secret, delivery, command, target } = question;
  const { commandSelector, targetSelector, deliveries } = rule;
  if (!matchesGlob(rule.agentSelector, agent)) return 'agent';
  if (!matchesGlob(rule.credentialSelector, secret)) return 'secret';
  if (deliveries !== undefined && !deliveries.includes(delivery)) return 'delivery';
  if (targetSelector !== undefined && (target === undefined || !matchesGlob(targetSelector, target))) return 'target';
  if (commandSelector === undefined) return undefined;
  // What no command is known of may go to the one that is denied.
  const matches = command === undefined ? rule.effect === 'deny' : meetsCommand(commandSelector, rule.effect, command);
  return matches ? undefined : 'command';
}
