import type { Policy, Rule } from '@hasp/core/rules';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Limits, memoryOf, type RecordedUse } from './limits.ts';

const always = () => true;
let now = 0;
let limits: Limits;
beforeEach(() => {
  now = 5_000;
  limits = new Limits(() => now);
});

function rule(constraints: Rule['constraints'], id = 'r'): Rule {
  return { id, effect: 'allow', agentSelector: '*', credentialSelector: '*', constraints };
}

const perMinute = (maxPerMinute: number, id?: string) => rule({ rateLimit: { maxPerMinute } }, id);
const policy = (...rules: Rule[]): Policy => ({ rules });

/** How many uses are allowed at this moment, taken. */
function drain(one: Rule, key = 'token', most = 1_000): number {
  const { hasTokenLeft, uses } = limits.factsOf(key);
  let taken = 0;
  while (taken < most && hasTokenLeft(one) && uses(one) < (one.constraints.maxUses ?? Number.POSITIVE_INFINITY)) {
    limits.take(key, one);
    taken += 1;
  }
  return taken;
}

describe('a rate limit', () => {
  it('lets through as many as it says, and then as they flow back', () => {
    const thirty = perMinute(30);
    expect(drain(thirty)).toBe(30);
    expect(limits.retryAfterMs('token', thirty)).toBe(2_000);
    now += 1_999;
    expect(drain(thirty)).toBe(0);
    now += 1;
    expect(drain(thirty)).toBe(1);
    now += 10_000;
    expect(drain(thirty)).toBe(5);
    now += 3_600_000;
    expect(drain(thirty)).toBe(30);
  });

  it('below one in a minute is one in some minutes', () => {
    const rare = perMinute(0.5);
    expect(drain(rare)).toBe(1);
    now += 119_999;
    expect(drain(rare)).toBe(0);
    now += 1;
    expect(drain(rare)).toBe(1);
  });

  it('is not consumed by asking, and is given back where nothing came of it', () => {
    const one = perMinute(1);
    const { hasTokenLeft } = limits.factsOf('token');
    for (let i = 0; i < 100; i++) expect(hasTokenLeft(one)).toBe(true);
    limits.take('token', one);
    for (let i = 0; i < 100; i++) expect(hasTokenLeft(one)).toBe(false);
    now += 60_000;
    expect(hasTokenLeft(one)).toBe(true);
    limits.take('token', one);
    limits.giveBack('token', one);
    expect(hasTokenLeft(one)).toBe(true);
  });

  it('counts each key and each rule for itself', () => {
    expect(drain(perMinute(3, 'a'), 'one')).toBe(3);
    expect(drain(perMinute(3, 'a'), 'two')).toBe(3);
    expect(drain(perMinute(3, 'b'), 'one')).toBe(3);
    expect(drain(perMinute(3, 'a'), 'one')).toBe(0);
  });

  it('never lets more through in any time than the bucket and what flowed into it', () => {
    const steps = fc.array(fc.nat(90_000), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (waits, rate) => {
        limits = new Limits(() => now);
        const started = now;
        let taken = 0;
        for (const wait of waits) {
          now += wait;
          taken += drain(perMinute(rate));
          expect(taken).toBeLessThanOrEqual(rate + ((now - started) * rate) / 60_000 + 1e-6);
        }
      }),
    );
  });

  it('follows a policy whose rate was changed', () => {
    expect(drain(perMinute(10))).toBe(10);
    expect(drain(perMinute(12))).toBe(2);
    expect(drain(perMinute(5))).toBe(0);
  });
});

describe('maxUses', () => {
  const five = rule({ maxUses: 5 });

  it('never comes back', () => {
    expect(drain(five)).toBe(5);
    now += 1e12;
    expect(drain(five)).toBe(0);
    limits.giveBack('token', five);
    expect(drain(five)).toBe(1);
    limits.forget('token');
    expect(drain(five)).toBe(5);
  });
});

describe('many keys', () => {
  it('do not grow without limit: buckets that are full again are dropped', () => {
    const ten = perMinute(10);
    for (let i = 0; i < 100_000; i++) {
      const key = `key-${i}`;
      if (limits.factsOf(key).hasTokenLeft(ten)) limits.take(key, ten);
      now += 1;
    }
    expect(limits.size).toBeLessThanOrEqual(20_000);
    expect(drain(ten, 'late')).toBe(10);
  });

  it('at once: who does not fit is told no, and who was counted is not forgotten', () => {
    const ten = perMinute(10);
    const once = rule({ maxUses: 1 }, 'once');
    expect(drain(ten, 'first')).toBe(10);
    for (let i = 0; i < 30_000; i++) if (limits.factsOf(`k${i}`).hasTokenLeft(ten)) limits.take(`k${i}`, ten);
    expect(limits.size).toBe(20_000);
    expect([drain(ten, 'new'), drain(once, 'new')]).toEqual([0, 0]);
    expect(limits.retryAfterMs('new', ten)).toBeGreaterThan(0);
    now += 61_000;
    expect(drain(ten, 'new')).toBe(10);
    expect(drain(once, 'new')).toBe(1);
  });

  it('that used something up for good are kept', () => {
    const once = rule({ maxUses: 1 }, 'once');
    for (let i = 0; i < 20_000; i++) limits.take(`k${i}`, once);
    now += 1e9;
    expect(drain(once, 'new')).toBe(0);
    expect(drain(once, 'k7')).toBe(0);
    limits.forget('k7');
    expect(drain(once, 'new')).toBe(1);
  });
});

describe('rebuilt from the log', () => {
  const wall = Date.parse('2026-11-20T12:00:00Z');
  const use = (limitKey: string, id: string, ago: number): RecordedUse => ({
    limitKey,
    rule: id,
    time: new Date(wall - ago).toISOString(),
  });
  const ten = perMinute(10, 'ten');
  const five = rule({ maxUses: 5 }, 'five');

  it('is as if it had never stopped', () => {
    const records = [
      ...Array.from({ length: 10 }, () => use('token', 'ten', 30_000)),
      ...Array.from({ length: 3 }, () => use('token', 'five', 86_400_000)),
      use('other', 'five', 0),
      { rule: 'five', time: new Date(wall).toISOString() },
      { type: 'secret.set' } as RecordedUse,
    ];
    limits.rebuild(records, policy(ten, five), wall, always);
    expect([drain(ten), drain(five), drain(five, 'other')]).toEqual([5, 2, 4]);
  });

  it('counts only for keys that live and rules that there are', () => {
    limits.rebuild([use('dead', 'five', 0), use('token', 'gone', 0)], policy(five), wall, (key) => key !== 'dead');
    expect(limits.size).toBe(0);
  });

  it('after the clock was set back an hour neither locks out for long nor gives anything for free', () => {
    const ahead = Array.from({ length: 10 }, (_, index) => use('token', 'ten', -3_600_000 + index));
    limits.rebuild(ahead, policy(ten), wall, always);
    expect(drain(ten)).toBe(0);
    now += 6_000;
    expect(drain(ten)).toBe(1);
    now += 60_000;
    expect(drain(ten)).toBe(10);
  });

  it('does not trust a time that is none', () => {
    limits.rebuild([{ limitKey: 'token', rule: 'five', time: 'soon' }], policy(five), wall, always);
    expect(drain(five)).toBe(4);
  });

  it('has to know of a minute, of as long as a slower bucket fills, or of all there was', () => {
    expect(memoryOf(policy())).toBe(0);
    expect(memoryOf(policy(ten))).toBe(60_000);
    expect(memoryOf(policy(ten, perMinute(0.1)))).toBe(600_000);
    expect(memoryOf(policy(ten, five))).toBe(Number.POSITIVE_INFINITY);
  });

  it('keeps nothing of a million old uses of a rule that only has a rate', () => {
    function* old() {
      for (let i = 0; i < 1_000_000; i++) yield use(`k${i}`, 'ten', 120_000);
    }
    limits.rebuild(old(), policy(ten), wall, always);
    expect(limits.size).toBe(0);
  });
});
