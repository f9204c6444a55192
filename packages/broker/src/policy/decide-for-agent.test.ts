import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { homeAt } from '@hasp/core';
import type { AgentIdentity, AgentRequest, Policy, Rule } from '@hasp/core/rules';
import { createVault } from '@hasp/vault';
import { acceptScopes, scopesGrown, setScopes } from '@hasp/vault/scopes';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AgentRuleParts, type AgentWishes, decideForAgent, type Ruling } from './decide-for-agent.ts';
import { Limits } from './limits.ts';

let policy: Policy;
let identity: AgentIdentity;
let asked: string[];
let grown: string[];
let parts: AgentRuleParts;
beforeEach(() => {
  policy = { rules: [] };
  identity = { state: 'unreachable' };
  asked = [];
  grown = [];
  parts = {
    source: {
      get policy() {
        return policy;
      },
    },
    limits: new Limits(() => 0),
    identityServer: {
      state: () => 'configured (reachable)',
      probe: async () => {},
      ask: async (agent) => {
        asked.push(agent);
        return identity;
      },
    },
    clock: () => Date.parse('2026-11-20T12:00:00Z'),
    scopesGrown: (secret) => grown.includes(secret),
  };
});

const rule = (id: string, effect: Rule['effect'], more: Partial<Rule> = {}): Rule => ({
  id,
  effect,
  agentSelector: '*',
  credentialSelector: '*',
  constraints: {},
  ...more,
});
const wish = (name: string, more: Partial<AgentRequest> = {}): AgentRequest => ({
  binding: { reference: { name }, delivery: { kind: 'env', variable: 'V' } },
  origin: { kind: 'flags' },
  ...more,
});
const decide = (names: readonly string[], more: Partial<AgentWishes> = {}, limitKey = 'token'): Promise<Ruling> =>
  decideForAgent(
    parts,
    { name: 'claude', limitKey },
    { requests: names.map((name) => wish(name)), projectTrusted: false, agentTargets: [], ...more },
  );
const effects = async (count: number, names: readonly string[]) =>
  (await Promise.all(Array.from({ length: count }, () => decide(names)))).map(({ effect }) => effect);

describe('what an agent asks for', () => {
  it('is denied by default, with the request that was not allowed', async () => {
    policy = { rules: [rule('a', 'allow', { credentialSelector: 'a' })] };
    expect(await decide(['a', 'b'])).toEqual({
      effect: 'deny',
      request: wish('b'),
      access: {
        effect: 'deny',
        rule: 'default-deny',
        why: 'No matching allow rule (default deny)',
        explicit: false,
      },
    });
  });

  it('is counted when it is allowed, by token or session and not by name', async () => {
    policy = { rules: [rule('a', 'allow', { constraints: { maxUses: 2 } })] };
    const first = await decide(['a']);
    expect(first).toMatchObject({ effect: 'allow', accesses: [{ rule: 'a', limitKey: 'token' }] });
    expect(await effects(3, ['a'])).toEqual(['allow', 'deny', 'deny']);
    expect((await decide(['a'], {}, 'another')).effect).toBe('allow');
    if (first.effect === 'allow') {
      first.giveBack();
      first.giveBack();
    }
    expect(await effects(2, ['a'])).toEqual(['allow', 'deny']);
  });

  it('is counted for nothing when one of it is denied, or waits for a person', async () => {
    const once = { constraints: { maxUses: 1 } };
    policy = {
      rules: [rule('a', 'allow', { credentialSelector: 'a', ...once }), rule('q', 'ask', { credentialSelector: 'q' })],
    };
    for (let i = 0; i < 3; i++) expect((await decide(['a', 'x'])).effect).toBe('deny');
    for (let i = 0; i < 3; i++) expect((await decide(['a', 'q'])).effect).toBe('ask');
    expect((await decide(['a', 'a'])).effect).toBe('deny');
    expect((await decide(['a'])).effect).toBe('allow');
    expect((await decide(['a'])).effect).toBe('deny');
  });

  it('carries a limit key only where something is counted', async () => {
    policy = { rules: [rule('free', 'allow')] };
    const ruling = await decide(['a']);
    expect(ruling).toMatchObject({ effect: 'allow', accesses: [{ rule: 'free' }] });
    expect(JSON.stringify(ruling)).not.toContain('limitKey');
  });

  it('waits for a person, and is looked at again when one has said yes', async () => {
    policy = { rules: [rule('q', 'ask', { constraints: { maxUses: 1 } })] };
    const first = await decide(['a']);
    expect(first).toMatchObject({ effect: 'ask', rules: new Set(['q']) });
    const approved = new Set(['q']);
    expect((await decide(['a'], { approved: new Set(['other']) })).effect).toBe('ask');
    expect((await decide(['a'], { approved })).effect).toBe('allow');
    expect((await decide(['a'], { approved })).effect).toBe('deny');
    policy = { rules: [rule('d', 'deny'), ...policy.rules] };
    expect(await decide(['b'], { approved })).toMatchObject({ effect: 'deny', access: { rule: 'd' } });
  });

  it('is allowed by a trusted manifest that gives the agent its target', async () => {
    const requests = [wish('a', { origin: { kind: 'manifest', target: 'test' } })];
    const trusted = { requests, projectTrusted: true, agentTargets: ['test'] };
    expect(await decide([], trusted)).toMatchObject({ effect: 'allow', accesses: [{ rule: 'trusted-manifest' }] });
    expect(await decide([], { ...trusted, projectTrusted: false })).toMatchObject({
      effect: 'deny',
      access: { code: 'E_UNTRUSTED_PROJECT' },
    });
  });

  it('sends a question to the identity server only if a rule wants it, and once', async () => {
    const trusted = rule('t', 'allow', { credentialSelector: 't*', constraints: { minTrustScore: 0.5, maxUses: 3 } });
    policy = { rules: [trusted, rule('f', 'allow', { credentialSelector: 'f' })] };
    expect((await decide(['f'])).effect).toBe('allow');
    expect(asked).toEqual([]);
    expect(await decide(['t1', 't2'])).toMatchObject({ effect: 'deny', access: { failed: 'minTrustScore' } });
    identity = { state: 'answered', trustScore: 0.5, capabilities: [] };
    expect((await decide(['t1', 't2'])).effect).toBe('allow');
    expect(asked).toEqual(['claude', 'claude']);
    // By the rules as they are when the answer is there.
    const late = decide(['t1']);
    policy = { rules: [] };
    expect(await late).toMatchObject({ effect: 'deny', access: { rule: 'default-deny' } });
  });

  it('never passes the last token to two, also while the identity server is asked', async () => {
    identity = { state: 'answered', trustScore: 1, capabilities: [] };
    policy = { rules: [rule('t', 'allow', { constraints: { minTrustScore: 0.5, rateLimit: { maxPerMinute: 3 } } })] };
    const all = await effects(20, ['a']);
    expect(all.filter((effect) => effect === 'allow')).toHaveLength(3);
  });

  it('is denied where a secret can do more than was accepted, until a person accepts it', async () => {
    const home = homeAt(mkdtempSync(`${tmpdir()}/hasp-scopes-`));
    const vault = await createVault(home, { source: 'key-file', bytes: randomBytes(32) }, randomBytes, Date.now);
    try {
      parts = { ...parts, scopesGrown: (secret) => scopesGrown(vault, secret) };
      policy = { rules: [rule('s', 'allow', { constraints: { scopeCheck: true } })] };
      await vault.set('s', Buffer.from('x'));
      const effect = async () => (await decide(['s'])).effect;
      expect(await effect()).toBe('allow');
      setScopes(vault, 's', ['repo:read']);
      expect(await effect()).toBe('allow');
      setScopes(vault, 's', ['repo:read', 'repo:write']);
      expect(await decide(['s'])).toMatchObject({ effect: 'deny', access: { rule: 's', failed: 'scopeCheck' } });
      setScopes(vault, 's', []);
      expect(await effect()).toBe('allow');
      setScopes(vault, 's', ['repo:write']);
      expect(await effect()).toBe('deny');
      acceptScopes(vault, 's');
      expect(await effect()).toBe('allow');
    } finally {
      vault.close();
      rmSync(home.root, { recursive: true });
    }
  });

  it('is denied where scopes have grown, which only a rule that cares finds out', async () => {
    policy = { rules: [rule('s', 'allow', { credentialSelector: 's', constraints: { scopeCheck: true } })] };
    expect((await decide(['s'])).effect).toBe('allow');
    grown = ['s'];
    expect(await decide(['s'])).toMatchObject({ effect: 'deny', access: { failed: 'scopeCheck' } });
    parts = {
      ...parts,
      scopesGrown: () => {
        throw new Error('was asked');
      },
    };
    policy = { rules: [rule('f', 'allow')] };
    expect((await decide(['s'])).effect).toBe('allow');
  });
});
