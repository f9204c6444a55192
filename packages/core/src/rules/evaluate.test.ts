import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, judgeAll } from './evaluate.ts';
import type { Question, RuleFacts } from './question.ts';
import type { ConstraintKey, Constraints, Rule } from './rule.ts';

const command = { words: ['npm', 'test'] };
const question: Question = { agent: 'scan-01', secret: 'GITHUB_TOKEN', delivery: 'env', command };
const facts: RuleFacts = {
  now: Date.parse('2026-11-20T12:00:00Z'),
  hasTokenLeft: () => true,
  uses: () => 0,
  identity: { state: 'not-configured' },
  scopesGrown: false,
};
const DEFAULT_DENY = {
  effect: 'deny',
  rule: 'default-deny',
  why: 'No matching allow rule (default deny)',
  explicit: false,
};

function rule(id: string, effect: Rule['effect'], more: Partial<Rule> = {}): Rule {
  return { id, effect, agentSelector: '*', credentialSelector: '*', constraints: {}, ...more };
}

const decide = (rules: readonly Rule[], more: Partial<RuleFacts> = {}, asked: Partial<Question> = {}) =>
  evaluate({ ...question, ...asked }, { rules }, { ...facts, ...more });

describe('the rules', () => {
  it('deny what none allows', () => {
    expect(decide([])).toEqual(DEFAULT_DENY);
    expect(decide([rule('a', 'allow', { agentSelector: 'other' })])).toEqual(DEFAULT_DENY);
  });

  it('deny before they allow, wherever the denial stands', () => {
    const allow = rule('a', 'allow');
    const deny = rule('d', 'deny', { credentialSelector: 'GITHUB_*' });
    for (const rules of [
      [allow, deny],
      [deny, allow],
    ])
      expect(decide(rules)).toEqual({ effect: 'deny', rule: 'd', why: 'Denied by rule "d"', explicit: true });
  });

  it('take the first that applies, an ask before an allow and the other way round', () => {
    const rules = [rule('other', 'allow', { credentialSelector: 'x' }), rule('ask', 'ask'), rule('allow', 'allow')];
    expect(decide(rules)).toEqual({ effect: 'ask', rule: 'ask', why: 'Rule "ask" asks a person' });
    expect(decide(rules.toReversed())).toMatchObject({ effect: 'allow', rule: 'allow' });
  });

  it('go on to the next where only a constraint does not hold, and say of the first why if none does', () => {
    const spent = rule('spent', 'allow', { constraints: { maxUses: 1 } });
    const slow = rule('slow', 'allow', { constraints: { rateLimit: { maxPerMinute: 30 } } });
    expect(decide([spent, slow], { uses: () => 1 })).toMatchObject({ effect: 'allow', rule: 'slow' });
    expect(decide([spent, slow], { uses: () => 1, hasTokenLeft: () => false })).toEqual({
      effect: 'deny',
      rule: 'spent',
      why: 'All uses are spent (1)',
      explicit: false,
      failed: 'maxUses',
    });
  });

  it('look at command, target and delivery where they name them', () => {
    const byCommand = [rule('c', 'allow', { commandSelector: 'npm test*' })];
    expect(decide(byCommand).effect).toBe('allow');
    expect(decide(byCommand, {}, { command: { words: ['npm', 'publish'] } })).toEqual(DEFAULT_DENY);
    const byTarget = [rule('t', 'allow', { targetSelector: 'te*' })];
    expect(decide(byTarget)).toEqual(DEFAULT_DENY);
    expect(decide(byTarget, {}, { target: 'test' }).effect).toBe('allow');
    const byDelivery = [rule('d', 'allow', { deliveries: ['ask', 'stdin'] })];
    expect(decide(byDelivery)).toEqual(DEFAULT_DENY);
    expect(decide(byDelivery, {}, { delivery: 'ask' }).effect).toBe('allow');
  });

  it('allow by a command only what goes to one that is known, and deny by it also what does not', () => {
    const { command: _, ...unknown } = question;
    const to = (effect: Rule['effect']) => rule(effect, effect, { commandSelector: 'curl *' });
    expect(evaluate(unknown, { rules: [to('allow')] }, facts)).toEqual(DEFAULT_DENY);
    expect(evaluate(unknown, { rules: [to('deny'), rule('a', 'allow')] }, facts)).toMatchObject({ rule: 'deny' });
    expect(decide([to('deny'), rule('a', 'allow')])).toMatchObject({ effect: 'allow' });
  });

  it('cap the time of a grant', () => {
    expect(decide([rule('a', 'allow', { constraints: { maxTtlMs: 1_000 } })])).toMatchObject({ maxTtlMs: 1_000 });
    expect(decide([rule('a', 'ask', { constraints: { maxTtlMs: 1_000 } })])).toMatchObject({ maxTtlMs: 1_000 });
  });

  it('want the identity server asked only where all else holds', () => {
    const trusted = rule('t', 'allow', { constraints: { minTrustScore: 0.5, maxUses: 1, requireCapability: 'x' } });
    const plain = rule('p', 'allow', { agentSelector: 'deploy-*' });
    const unasked = { identity: undefined };
    expect(decide([plain, trusted], unasked)).toMatchObject({ effect: 'needs-identity', rule: 't' });
    expect(decide([trusted], { ...unasked, uses: () => 1 })).toMatchObject({ effect: 'deny', failed: 'maxUses' });
    expect(decide([trusted], unasked, { agent: 'x' }).effect).toBe('needs-identity');
    expect(decide([rule('d', 'deny'), trusted], unasked)).toMatchObject({ effect: 'deny', rule: 'd' });
    expect(decide([rule('a', 'allow'), trusted], unasked)).toMatchObject({ effect: 'allow', rule: 'a' });
    const answered = { identity: { state: 'answered', trustScore: 0.5, capabilities: ['x'] } } as const;
    expect(decide([trusted], answered).effect).toBe('allow');
  });

  it.each([
    [{ state: 'unreachable' }, 'Trust score of at least 0.7 required, but the identity server does not answer'],
    [{ state: 'not-configured' }, 'Trust score of at least 0.7 required, but no identity server is configured'],
    [{ state: 'refused' }, 'Trust score of at least 0.7 required, but the identity server refuses the question'],
    [
      { state: 'unknown-agent' },
      'Trust score of at least 0.7 required, but the identity server does not know the agent',
    ],
    [
      { state: 'answered', capabilities: [] },
      'Trust score of at least 0.7 required, but the identity server gives none',
    ],
    [{ state: 'answered', trustScore: 0.69, capabilities: [] }, 'Trust score 0.69 is below 0.7'],
    [{ state: 'answered', trustScore: Number.NaN, capabilities: [] }, 'Trust score NaN is below 0.7'],
  ] as const)('deny where the identity server gives no reason to trust: %j', (identity, why) => {
    expect(decide([rule('t', 'allow', { constraints: { minTrustScore: 0.7 } })], { identity })).toMatchObject({
      effect: 'deny',
      why,
      failed: 'minTrustScore',
    });
  });
});

/**
 * For each constraint, a rule that it keeps from allowing; without that one key it allows. The type makes sure
 * that no key is left out.
 */
const KEEPS_OUT: {
  readonly [K in ConstraintKey]-?: {
    readonly limit: NonNullable<Constraints[K]>;
    readonly asked?: Partial<Question>;
    readonly facts?: Partial<RuleFacts>;
    readonly why: string;
  };
} = {
  timeWindow: {
    limit: { start: 0, end: 60, timeZone: 'UTC', days: ['fri'], wallTime: () => ({ weekday: 5, minutes: 60 }) },
    why: 'Outside the time window (00:00-01:00 fri UTC)',
  },
  scopeCheck: {
    limit: true,
    facts: { scopesGrown: true },
    why: 'The scopes of the secret have grown since its baseline',
  },
  maxTtlMs: { limit: 900_000, asked: { ttlMs: 3_600_000 }, why: 'Asked for 1h, at most 15m is allowed' },
  maxUses: { limit: 5, facts: { uses: () => 5 }, why: 'All uses are spent (5)' },
  rateLimit: {
    limit: { maxPerMinute: 30 },
    facts: { hasTokenLeft: () => false },
    why: 'Rate limit exceeded (30/min)',
  },
  minTrustScore: {
    limit: 0.7,
    facts: { identity: { state: 'answered', trustScore: 0.2, capabilities: ['code-scan'] } },
    why: 'Trust score 0.2 is below 0.7',
  },
  requireCapability: {
    limit: 'code-scan',
    facts: { identity: { state: 'answered', trustScore: 1, capabilities: ['code'] } },
    why: 'The agent lacks the capability "code-scan"',
  },
};

describe('a constraint', () => {
  it.each(Object.entries(KEEPS_OUT))('%s can deny, and nothing else denied', (key, { limit, why, ...case_ }) => {
    const { [key as ConstraintKey]: _, ...others } = everyConstraint();
    const constrained = rule('r', 'allow', { constraints: { ...others, [key]: limit } });
    const without = rule('r', 'allow', { constraints: others });
    const identity = { state: 'answered', trustScore: 1, capabilities: ['code-scan'] } as const;
    const known = { identity, ...case_.facts };
    expect(decide([constrained], known, case_.asked)).toEqual({
      effect: 'deny',
      rule: 'r',
      why,
      explicit: false,
      failed: key,
    });
    expect(decide([without], known, case_.asked)).toMatchObject({ effect: 'allow' });
    expect(decide([rule('a', 'ask', { constraints: { [key]: limit } })], known, case_.asked).effect).toBe('deny');
  });

  it('that is switched off denies nothing', () => {
    expect(decide([rule('r', 'allow', { constraints: { scopeCheck: false } })], { scopesGrown: true }).effect).toBe(
      'allow',
    );
  });
});

/** All of them, each so wide that it holds in every case above but its own. */
function everyConstraint(): Required<Constraints> {
  return {
    timeWindow: { start: 0, end: 1, wallTime: () => ({ weekday: 0, minutes: 0 }) },
    scopeCheck: false,
    maxTtlMs: 86_400_000,
    maxUses: 1_000,
    rateLimit: { maxPerMinute: 30 },
    minTrustScore: 0,
    requireCapability: 'code-scan',
  };
}

const selector = fc.constantFrom('*', 'scan-*', 'scan-01', 'GITHUB_*', 'GITHUB_TOKEN', 'x');
const anyRule = fc.record({
  effect: fc.constantFrom('allow' as const, 'deny' as const, 'ask' as const),
  agentSelector: selector,
  credentialSelector: selector,
  constraints: fc.constantFrom<Constraints>({}, { maxUses: 1 }, { minTrustScore: 0.5 }, { scopeCheck: true }),
});
const anyRules = fc
  .array(anyRule, { maxLength: 6 })
  .map((rules) =>
    rules.map(
      (one, index): Rule => ({ ...one, id: `r${index}`, constraints: one.effect === 'deny' ? {} : one.constraints }),
    ),
  );
const anyFacts = fc.record({
  uses: fc.constantFrom(0, 1).map((count) => () => count),
  scopesGrown: fc.boolean(),
  identity: fc.constantFrom<RuleFacts['identity']>(
    undefined,
    { state: 'unreachable' },
    { state: 'answered', trustScore: 0.9, capabilities: [] },
  ),
});

describe('whatever the rules', () => {
  it('nothing is allowed that a deny rule names, or that no allow or ask rule names', () => {
    fc.assert(
      fc.property(anyRules, anyFacts, (rules, known) => {
        const verdict = decide(rules, known);
        const denied = decide(rules.filter(({ effect }) => effect === 'deny'));
        if (denied.effect === 'deny' && denied.explicit) expect(verdict).toEqual(denied);
        if (rules.every(({ effect }) => effect === 'deny')) expect(verdict.effect).toBe('deny');
        if (verdict.effect === 'allow' || verdict.effect === 'ask')
          expect(rules.find(({ id }) => id === verdict.rule)?.effect).toBe(verdict.effect);
      }),
    );
  });

  it('a deny rule more never allows more', () => {
    fc.assert(
      fc.property(anyRules, anyRule, anyFacts, fc.nat(6), (rules, extra, known, at) => {
        const more = rules.toSpliced(at, 0, { ...extra, id: 'extra', effect: 'deny', constraints: {} });
        if (decide(rules, known).effect === 'deny') expect(decide(more, known).effect).toBe('deny');
      }),
    );
  });

  it('the explanation of each rule agrees with the verdict', () => {
    fc.assert(
      fc.property(anyRules, anyFacts, (rules, known) => {
        const verdict = decide(rules, known);
        const judged = judgeAll(question, { rules }, { ...facts, ...known });
        const applying = judged.filter(({ applies }) => applies).map(({ rule: { id, effect } }) => ({ id, effect }));
        const decider =
          applying.find(({ effect }) => effect === 'deny') ?? applying.find(({ effect }) => effect !== 'deny');
        if (decider !== undefined && verdict.effect !== 'needs-identity') expect(verdict.rule).toBe(decider.id);
        if (decider === undefined && verdict.effect !== 'needs-identity') expect(verdict.effect).toBe('deny');
        for (const { why } of judged) expect(why).not.toBe('');
      }),
    );
  });

  it('a clock, a bucket or a server that is not needed is not looked at', () => {
    const never = () => {
      throw new Error('was looked at');
    };
    const blind = { hasTokenLeft: never, uses: never } satisfies Partial<RuleFacts>;
    expect(decide([rule('d', 'deny'), rule('a', 'allow', { constraints: { maxUses: 1 } })], blind).effect).toBe('deny');
    expect(decide([rule('a', 'allow')], blind).effect).toBe('allow');
  });
});
