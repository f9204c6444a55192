import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow, Sandbox } from './support/sandbox.ts';

interface Agent {
  readonly name: string;
  readonly tokenId: string;
  readonly createdAt: string;
  readonly rotatedAt?: string;
  readonly expiresAt?: string;
  readonly expired?: boolean;
}

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets();
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const TOKEN = /^hasp_agt_[A-Za-z0-9_-]{43}$/;
const list = async () => (await box.json<{ agents: Agent[] }>(['agent', 'list'])).agents;
const refusal = async (argv: readonly string[]) => {
  const { status, stdout, stderr } = await box.run([...argv.slice(0, 2), '--json', ...argv.slice(2)]);
  const { error } = JSON.parse(stderr.toString()) as { error: { code: string; hint?: string } };
  return { status, stdout: stdout.toString(), code: error.code, hint: error.hint };
};

describe('agent add', () => {
  it('prints the token on stdout, and nothing but it', async () => {
    const { status, stdout, stderr } = await box.run(['agent', 'add', 'scan-01']);
    const [token = '', ...more] = stdout.toString().split('\n');
    expect([status, more]).toEqual([0, ['']]);
    expect(token).toMatch(TOKEN);
    expect(stderr.toString()).toBe('hasp: added scan-01; keep its token, it is not shown again\n');
  });

  it('keeps the token nowhere, and records that there is one', async () => {
    const { token, ...agent } = await box.json<Agent & { token: string }>(['agent', 'add', 'scan-01', '--ttl', '90d']);
    expect(token).toMatch(TOKEN);
    expect(Object.keys(agent)).toEqual(['name', 'createdAt', 'tokenId', 'expiresAt']);
    expect(Date.parse(agent.expiresAt ?? '') - Date.parse(agent.createdAt)).toBe(90 * 86_400_000);
    expect(await list()).toEqual([{ ...agent, expired: false }]);
    expect(await box.log('--agent', 'scan-01')).toMatchObject([
      { type: 'agent.added', agent: 'scan-01', tokenId: agent.tokenId, expiresAt: agent.expiresAt },
    ]);
    for (const file of filesBelow(box.root))
      expect([file, readFileSync(file).includes(token.slice(9))]).toEqual([file, false]);
    expect(await box.ok(['agent', 'list'])).not.toContain(token);
    await box.ok(['audit', 'verify']);
  });

  it('takes each name once', async () => {
    await box.ok(['agent', 'add', 'scan-01']);
    expect(await refusal(['agent', 'add', 'scan-01'])).toMatchObject({ status: 2, stdout: '', code: 'E_EXISTS' });
    expect(await list()).toHaveLength(1);
    expect(await box.log('--type', 'agent.added')).toHaveLength(1);
  });

  it.each(['', '-x', '.x', 'a/b', 'a b', 'a*', 'é', 'x'.repeat(65), 'hasp_agt_?'])(
    'refuses %j for a name',
    async (name) => {
      expect(await refusal(['agent', 'add', '--', name])).toMatchObject({ status: 2, stdout: '' });
      expect(await list()).toEqual([]);
    },
  );

  it('takes a time that is one', async () => {
    for (const ttl of ['soon', '0s', '-1h', '90'])
      expect(await refusal(['agent', 'add', 'a', `--ttl=${ttl}`])).toMatchObject({ status: 2, code: 'E_USAGE' });
    await box.ok(['agent', 'add', 'a', '--ttl', '1ms']);
    expect((await list()).map(({ expired }) => expired)).toEqual([true]);
    expect(await box.ok(['agent', 'list'])).toContain('(over)');
  });
});

describe('agent rotate and revoke', () => {
  it('give a new token, and take it away, each on record', async () => {
    const first = await box.json<Agent & { token: string }>(['agent', 'add', 'scan-01']);
    const token = (await box.ok(['agent', 'rotate', 'scan-01'])).trim();
    expect(token).toMatch(TOKEN);
    expect(token).not.toBe(first.token);
    const [rotated] = await list();
    expect(rotated?.tokenId).not.toBe(first.tokenId);
    expect(await box.json(['agent', 'revoke', 'scan-01'])).toEqual({
      name: 'scan-01',
      tokenId: rotated?.tokenId,
      revoked: true,
    });
    expect(await list()).toEqual([]);
    const records = await box.log('--agent', 'scan-01');
    expect(records.map(({ type, tokenId }) => [type, tokenId])).toEqual([
      ['agent.added', first.tokenId],
      ['agent.rotated', rotated?.tokenId],
      ['agent.revoked', rotated?.tokenId],
    ]);
    expect(await box.ok(['audit', 'log', '--agent', 'scan-01'])).toContain('agent.revoked  agent=scan-01');
  });

  it('say so where there is no such agent', async () => {
    for (const verb of ['rotate', 'revoke'])
      expect(await refusal(['agent', verb, 'nobody'])).toEqual({
        status: 4,
        stdout: '',
        code: 'E_AGENT_MISSING',
        hint: 'see hasp agent list',
      });
  });
});

it('is known to a few at once: ten added in parallel are ten', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `agent-${index}`);
  const tokens = await Promise.all(names.map((name) => box.ok(['agent', 'add', name])));
  expect(new Set(tokens).size).toBe(10);
  expect((await list()).map(({ name }) => name)).toEqual(names);
  await box.ok(['audit', 'verify']);
});
