import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { createLog } from '@hasp/audit';
import { type Home, homeAt } from '@hasp/core';
import { createVault, type Vault } from '@hasp/vault';
import { acceptScopes, scopesGrown, setScopes } from '@hasp/vault/scopes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentDecision, AgentDecisions, type Waiting } from './agent-decisions.ts';
import { Approvals } from './approvals.ts';
import { Rulebook } from './rulebook.ts';

let home: Home;
let vault: Vault;
let server: Server;
let identity: { status: number; body: object };
let asked: string[];
let rulebook: Rulebook;
let approvals: Approvals;
let decisions: AgentDecisions;
let looked: number;
beforeEach(async () => {
  home = homeAt(mkdtempSync(`${tmpdir()}/hasp-decisions-`));
  vault = await createVault(home, { source: 'key-file', bytes: randomBytes(32) }, randomBytes, Date.now);
  const first = { type: 'vault.created', chain: vault.chain(), vault: vault.id, keySource: 'key-file' } as const;
  createLog(home, { chain: vault.chain(), k0: vault.auditKey() }, first, Date.now);
  asked = [];
  identity = { status: 503, body: {} };
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(identity.status).end(JSON.stringify(identity.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rulebook = new Rulebook({
    home,
    clock: Date.now,
    uid: process.getuid?.() ?? 0,
    aimUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    record: () => {},
    sealedEnd: () => 0,
    say: () => {},
  });
  approvals = new Approvals(Date.now, randomBytes);
  looked = 0;
  decisions = new AgentDecisions(rulebook, approvals, Date.now, (secret) => {
    looked += 1;
    return scopesGrown(vault, secret);
  });
});
afterEach(() => {
  approvals.withdraw();
  rulebook.close();
  vault.close();
  server.close();
  rmSync(home.root, { recursive: true });
});

const rule = (id: string, effect: string, credentialSelector = '*', constraints: object = {}) => ({
  id,
  effect,
  agentSelector: '*',
  credentialSelector,
  constraints,
});
function inForce(...rules: object[]): void {
  writeFileSync(home.policy, JSON.stringify(rules), { mode: 0o600 });
  rulebook.reload();
}

const NOBODY: Waiting = { asked: () => {}, gone: AbortSignal.abort() };
const waiting = (answer: (id: string) => void): Waiting => ({
  asked: ({ id }) => answer(id),
  gone: new AbortController().signal,
});
const YES = waiting((id) => queueMicrotask(() => approvals.settle(id, true)));

async function decide(names: readonly string[], how: Waiting = NOBODY, limitKey = 'token'): Promise<AgentDecision> {
  const facts = { projectTrusted: false, agentTargets: [] };
  const wishes = names.map((name) => ({
    wish: { binding: { reference: { name }, delivery: { kind: 'ask' } }, origin: { kind: 'flags' } } as const,
    facts,
  }));
  return (await decisions.decideAll({ name: 'claude', limitKey }, wishes, how)).at(-1) as AgentDecision;
}
const effects = async (count: number, names: readonly string[]) =>
  (await Promise.all(Array.from({ length: count }, () => decide(names)))).map(({ effect }) => effect).sort();

describe('what an agent asks for', () => {
  it('is denied by default', async () => {
    expect(await decide(['a'])).toMatchObject({ rule: 'default-deny', why: 'No matching allow rule (default deny)' });
  });

  it('is counted when it is allowed, by token or session', async () => {
    inForce(rule('a', 'allow', '*', { maxUses: 2 }));
    expect(await effects(5, ['a'])).toEqual(['allow', 'allow', 'deny', 'deny', 'deny']);
    expect((await decide(['a'], NOBODY, 'another')).effect).toBe('allow');
  });

  it('goes on to be counted when the rules change', async () => {
    inForce(rule('a', 'allow', '*', { maxUses: 1 }));
    expect((await decide(['a'])).effect).toBe('allow');
    inForce(rule('a', 'allow', '*', { maxUses: 2 }), rule('b', 'deny', 'b'));
    expect(await effects(2, ['a'])).toEqual(['allow', 'deny']);
  });

  it('is counted for nothing when one of it is denied, or no person says yes', async () => {
    inForce(rule('a', 'allow', 'a', { maxUses: 1 }), rule('q', 'ask', 'q'));
    for (let i = 0; i < 3; i++) expect(await decide(['a', 'x'])).toMatchObject({ rule: 'default-deny' });
    for (let i = 0; i < 3; i++) expect(await decide(['a', 'q'])).toMatchObject({ why: 'No person approved it' });
    expect(await decide(['a', 'a'])).toMatchObject({ effect: 'deny', failed: 'maxUses' });
    expect((await decide(['a'])).effect).toBe('allow');
  });

  it('never passes the last token to two, also while the identity server is asked', async () => {
    identity = { status: 200, body: { trustScore: 1 } };
    inForce(rule('t', 'allow', '*', { minTrustScore: 0.5, rateLimit: { maxPerMinute: 3 } }));
    expect((await effects(20, ['a'])).filter((effect) => effect === 'allow')).toHaveLength(3);
  });

  it('sends a question to the identity server only if a rule wants it', async () => {
    inForce(rule('t', 'allow', 't*', { minTrustScore: 0.5 }), rule('f', 'allow', 'f'));
    expect((await decide(['f', 'x'])).effect).toBe('deny');
    expect(asked).toEqual([]);
    expect(await decide(['t'])).toMatchObject({ effect: 'deny', failed: 'minTrustScore' });
    expect(asked).toEqual(['/api/v1/agents/claude']);
  });

  it('is denied where a secret can do more than was accepted, until a person accepts it', async () => {
    await vault.set('s', Buffer.from('x'));
    inForce(rule('s', 'allow', 's', { scopeCheck: true }), rule('f', 'allow', 'f'));
    const effect = async () => (await decide(['s'])).effect;
    expect(await effect()).toBe('allow');
    setScopes(vault, 's', ['repo:read']);
    expect(await effect()).toBe('allow');
    setScopes(vault, 's', ['repo:read', 'repo:write']);
    expect(await decide(['s'])).toMatchObject({ effect: 'deny', rule: 's', failed: 'scopeCheck' });
    acceptScopes(vault, 's');
    expect(await effect()).toBe('allow');
    looked = 0;
    await decide(['f']);
    expect(looked).toBe(0);
  });
});

describe('what a person says yes to', () => {
  it('is allowed, and counted then', async () => {
    inForce(rule('q', 'ask', '*', { maxUses: 1 }));
    expect(await decide(['a'], YES)).toMatchObject({ effect: 'allow', rule: 'q', approved: true });
    expect(await decide(['a'], YES)).toMatchObject({ effect: 'deny', failed: 'maxUses' });
  });

  it('is denied all the same where the rules have changed meanwhile, or its last use is gone', async () => {
    inForce(rule('q', 'ask'));
    const late = waiting((id) => {
      inForce(rule('q', 'ask'), rule('d', 'deny'));
      approvals.settle(id, true);
    });
    expect(await decide(['a'], late)).toMatchObject({ effect: 'deny', rule: 'd' });
    inForce(rule('q', 'ask', '*', { maxUses: 1 }));
    const both = await Promise.all([decide(['a'], YES), decide(['a'], YES)]);
    expect(both.map(({ effect }) => effect).sort()).toEqual(['allow', 'deny']);
  });

  it('is asked again by another rule', async () => {
    inForce(rule('q', 'ask'));
    const told: string[] = [];
    const how: Waiting = {
      asked: ({ id, rule: by }) => {
        told.push(by);
        if (by === 'q') inForce(rule('other', 'ask'));
        queueMicrotask(() => approvals.settle(id, true));
      },
      gone: new AbortController().signal,
    };
    expect(await decide(['a'], how)).toMatchObject({ effect: 'allow', rule: 'other' });
    expect(told).toEqual(['q', 'other']);
  });
});
