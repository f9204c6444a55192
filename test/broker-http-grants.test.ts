import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './support/api.ts';
import { Sandbox, until } from './support/sandbox.ts';

const VALUE = 'correct-horse-battery';
const WANTED = { agentId: 'scan-01', credentialName: 'GITHUB_TOKEN' };

let box: Sandbox;
let api: ApiClient;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ GITHUB_TOKEN: VALUE });
  api = await ApiClient.start(box, [
    { id: 'once', agentSelector: 'once', constraints: { maxUses: 1 } },
    { id: 'brief', agentSelector: 'brief', constraints: { maxTtl: '30s' } },
    { id: 'scanners', agentSelector: 'scan-*' },
  ]);
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

const curl = (...argv: string[]): string => execFileSync('curl', ['-s', ...argv], { encoding: 'utf8', stdio: 'pipe' });
const lastRecord = async (type: string) => (await box.log('--type', type)).at(-1);

describe('an agent’s token', () => {
  let token: string;

  beforeAll(async () => {
    token = (await box.ok(['agent', 'add', 'scan-77'])).trim();
  });

  it('names the agent, on both ways', async () => {
    for (const local of [false, true]) {
      expect((await api.resolve({ credentialName: 'GITHUB_TOKEN' }, { token, local })).json.value).toBe(VALUE);
      expect(await lastRecord('grant.delivered')).toMatchObject({ agent: 'scan-77' });
    }
  });

  it('does not let it act as another, and that is recorded', async () => {
    for (const local of [false, true]) {
      const answer = await api.resolve(WANTED, { token, local });
      expect([answer.status, answer.json.rule]).toEqual([403, 'another-agent']);
      expect(await lastRecord('grant.denied')).toMatchObject({ agent: 'scan-77', rule: 'another-agent' });
    }
  });

  it('shows only the agent’s own grants, and ends only those', async () => {
    const own = (await api.resolve({ credentialName: 'GITHUB_TOKEN' }, { token })).json.grant;
    const other = (await api.resolve(WANTED)).json.grant;
    const ids = async (options = {}) =>
      (await api.ask('/v1/grants', options)).json.grants.map(({ id }: { id: string }) => id);
    expect(await ids({ token })).toContain(own);
    expect(await ids({ token })).not.toContain(other);
    expect(await ids()).toEqual(expect.arrayContaining([own, other]));
    expect((await api.ask(`/v1/grants/${other}`, { token, method: 'DELETE' })).status).toBe(404);
    const ended = await api.ask(`/v1/grants/${own}`, { token, method: 'DELETE' });
    expect([ended.status, ended.json]).toEqual([200, { revoked: [own] }]);
    expect(await lastRecord('grant.ended')).toMatchObject({ grant: own, endReason: 'revoked' });
    expect((await api.ask('/v1/sessions', { token })).status).toBe(403);
  });

  it('that was revoked is refused at once, its grants end, and what it has open is closed', async () => {
    const doomed = (await box.ok(['agent', 'add', 'scan-88'])).trim();
    const { grant } = (await api.resolve({ credentialName: 'GITHUB_TOKEN' }, { token: doomed })).json;
    await box.ok(['agent', 'revoke', 'scan-88']);
    expect((await api.resolve({ credentialName: 'GITHUB_TOKEN' }, { token: doomed })).status).toBe(401);
    const ended = await until('its grant has ended', async () =>
      (await box.log('--type', 'grant.ended')).find((record) => record['grant'] === grant),
    );
    expect(ended).toMatchObject({ endReason: 'agent-revoked' });
  });
});

describe('a grant', () => {
  it('is renewed by who asks again, and issued once', async () => {
    const before = (await box.log('--type', 'grant.issued')).length;
    const first = await api.resolve({ agentId: 'scan-renew', credentialName: 'GITHUB_TOKEN' });
    const again = await api.resolve({ agentId: 'scan-renew', credentialName: 'GITHUB_TOKEN' });
    expect(again.json.grant).toBe(first.json.grant);
    expect(Date.parse(again.json.expiresAt)).toBeGreaterThanOrEqual(Date.parse(first.json.expiresAt));
    expect((await box.log('--type', 'grant.issued')).length - before).toBeLessThanOrEqual(1);
  });

  it('lasts no longer than its rule lets it', async () => {
    const { json } = await api.resolve({ agentId: 'brief', credentialName: 'GITHUB_TOKEN' });
    expect(Date.parse(json.expiresAt) - Date.now()).toBeLessThanOrEqual(30_000);
  });

  it('ends after its ttl', async () => {
    const { json, status } = await api.ask('/v1/grants', { body: { ...WANTED, agentId: 'brief', ttl: '300ms' } });
    expect(status).toBe(201);
    const ended = await until('it has ended', async () =>
      (await box.log('--type', 'grant.ended')).find((record) => record['grant'] === json.grant.id),
    );
    expect(ended).toMatchObject({ endReason: 'ttl', clean: true });
  });

  it('over the unix socket ends with the process that asked', async () => {
    const local = ['--unix-socket', path.join(box.home, 'broker.sock')];
    const { grant } = JSON.parse(curl(...local, '-d', JSON.stringify(WANTED), 'http://localhost/resolve'));
    const ended = await until('it has ended', async () =>
      (await box.log('--type', 'grant.ended')).find((record) => record['grant'] === grant),
    );
    expect(ended).toMatchObject({ endReason: 'exited' });
  });

  it('is shown by `hasp grants`, and ended by `hasp revoke`', async () => {
    const { grant } = (await api.resolve({ agentId: 'scan-shown', credentialName: 'GITHUB_TOKEN' })).json;
    const { grants } = await box.json<{ grants: { id: string; agent: string }[] }>(['grants']);
    expect(grants.find(({ id }) => id === grant)).toMatchObject({ secret: 'GITHUB_TOKEN', delivery: 'ask' });
    await box.ok(['revoke', grant]);
    expect(await lastRecord('grant.ended')).toMatchObject({ grant, endReason: 'revoked' });
    expect((await api.resolve({ agentId: 'scan-shown', credentialName: 'GITHUB_TOKEN' })).json.grant).not.toBe(grant);
  });

  it('ends when its secret is rotated', async () => {
    await box.set('TURNED', 'the-first-value');
    const wanted = { agentId: 'scan-01', credentialName: 'TURNED' };
    const { grant } = (await api.resolve(wanted)).json;
    await box.ok(['secret', 'rotate', 'TURNED'], { stdin: 'the-second-value' });
    expect(await lastRecord('grant.ended')).toMatchObject({ grant, endReason: 'rotated' });
    expect((await api.resolve(wanted)).json.value).toBe('the-second-value');
  });

  it('counts as one use of its rule', async () => {
    const wanted = { agentId: 'once', credentialName: 'GITHUB_TOKEN' };
    const { limitKey: _, ...first } = (await api.resolve(wanted)).json;
    expect(first).toMatchObject({ value: VALUE });
    const second = await api.resolve(wanted);
    expect([second.status, second.json.rule]).toEqual([403, 'once']);
    expect(
      (await box.log()).filter((record) => record['rule'] === 'once' && record['limitKey'] === 'owner').length,
    ).toBe(1);
  });
});
