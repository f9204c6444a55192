import { describe, expect, it } from 'vitest';
import type { BindingOrigin } from '../policy.ts';
import { type AccessFacts, type AgentRequest, type Caller, decideAccess } from './access.ts';
import type { Policy, Rule } from './rule.ts';

const binding = { reference: { name: 'db/test', version: 3 }, delivery: { kind: 'env', variable: 'DB' } } as const;
const claude: Caller = { kind: 'agent', name: 'claude' };
const facts: AccessFacts = {
  now: 0,
  hasTokenLeft: () => true,
  uses: () => 0,
  identity: undefined,
  scopesGrown: false,
  projectTrusted: true,
  agentTargets: ['test'],
};
const flags: BindingOrigin = { kind: 'flags' };
const target: BindingOrigin = { kind: 'manifest', target: 'test' };
const asked = (origin: BindingOrigin, more: Partial<AgentRequest> = {}): AgentRequest => ({ binding, origin, ...more });
const policy = (...rules: readonly (Partial<Rule> & Pick<Rule, 'id' | 'effect'>)[]): Policy => ({
  rules: rules.map((rule) => ({ agentSelector: '*', credentialSelector: '*', constraints: {}, ...rule })),
});
const NONE = policy();

describe('access (I3)', () => {
  it('of a person is by flags and trusted manifests, whatever the rules', () => {
    const deny = policy({ id: 'd', effect: 'deny' });
    expect(decideAccess({ kind: 'person' }, asked(flags), deny, facts)).toMatchObject({ rule: 'person-flags' });
    expect(decideAccess({ kind: 'person' }, asked(target), deny, facts)).toMatchObject({ rule: 'trusted-manifest' });
  });

  it('of an agent is denied by default: flags open nothing', () => {
    expect(decideAccess(claude, asked(flags), NONE, facts)).toMatchObject({
      effect: 'deny',
      rule: 'default-deny',
      why: 'No matching allow rule (default deny)',
    });
  });

  it('of an agent is allowed by the target that a trusted manifest gives it', () => {
    expect(decideAccess(claude, asked(target), NONE, facts)).toMatchObject({
      effect: 'allow',
      rule: 'trusted-manifest',
      why: 'The trusted manifest lets claude run test',
    });
    const other: BindingOrigin = { kind: 'manifest', target: 'publish' };
    for (const origin of [other, { kind: 'manifest' } as const])
      expect(decideAccess(claude, asked(origin), NONE, facts)).toMatchObject({ rule: 'default-deny' });
    expect(decideAccess(claude, asked(target), NONE, { ...facts, agentTargets: [] }).effect).toBe('deny');
  });

  it('of an agent by an untrusted manifest is denied, also where a rule would allow it', () => {
    const allow = policy({ id: 'a', effect: 'allow' });
    const untrusted = { ...facts, projectTrusted: false };
    expect(decideAccess(claude, asked(target), allow, untrusted)).toMatchObject({ code: 'E_UNTRUSTED_PROJECT' });
    expect(decideAccess(claude, asked(flags), allow, untrusted)).toMatchObject({ effect: 'allow', rule: 'a' });
  });

  it('of an agent is denied by a deny rule, also where the manifest would allow it', () => {
    const deny = policy({ id: 'd', effect: 'deny', agentSelector: 'cl*' });
    expect(decideAccess(claude, asked(target), deny, facts)).toMatchObject({ effect: 'deny', rule: 'd' });
  });

  it('of an agent goes by the rules before the manifest', () => {
    expect(decideAccess(claude, asked(target), policy({ id: 'q', effect: 'ask' }), facts)).toMatchObject({
      effect: 'ask',
      rule: 'q',
    });
    const spent = policy({ id: 's', effect: 'allow', constraints: { maxUses: 1 } });
    const used = { ...facts, uses: () => 1 };
    expect(decideAccess(claude, asked(flags), spent, used)).toMatchObject({ effect: 'deny', rule: 's' });
    expect(decideAccess(claude, asked(target), spent, used)).toMatchObject({ rule: 'trusted-manifest' });
  });

  it('is asked with what the request says', () => {
    const exact = policy({
      id: 'e',
      effect: 'allow',
      agentSelector: 'claude',
      credentialSelector: 'db/test',
      commandSelector: 'npm test',
      targetSelector: 'test',
      deliveries: ['env'],
      constraints: { maxTtlMs: 1_000 },
    });
    const none = { ...facts, agentTargets: [] };
    const command = { words: ['npm', 'test'] };
    expect(decideAccess(claude, asked(target, { command }), exact, none).effect).toBe('allow');
    expect(decideAccess(claude, asked(target, { command, ttlMs: 1_001 }), exact, none)).toMatchObject({
      failed: 'maxTtlMs',
    });
    expect(decideAccess(claude, asked(flags, { command }), exact, none)).toMatchObject({
      rule: 'default-deny',
    });
  });
});
