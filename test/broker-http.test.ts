import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './support/api.ts';
import { Sandbox } from './support/sandbox.ts';

const VALUE = 'correct-horse-battery';
const WANTED = { agentId: 'scan-01', credentialName: 'GITHUB_TOKEN' };

let box: Sandbox;
let api: ApiClient;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ GITHUB_TOKEN: VALUE, BYTES: Buffer.from([0x61, 0xff, 0x00]) });
  api = await ApiClient.start(box, [
    { id: 'no-prod', effect: 'deny', credentialSelector: 'prod/*' },
    { id: 'scanners', agentSelector: 'scan-*' },
  ]);
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

const curl = (...argv: string[]): string => execFileSync('curl', ['-s', ...argv], { encoding: 'utf8', stdio: 'pipe' });
const lastRecord = async (type: string) => (await box.log('--type', type)).at(-1);

describe('the lines of docs/broker.md', () => {
  it('work with curl, over TCP and over the unix socket', () => {
    const token = readFileSync(path.join(box.home, 'broker.token'), 'utf8');
    const bearer = ['-H', `Authorization: Bearer ${token}`];
    const base = `http://127.0.0.1:${api.port}`;
    const local = ['--unix-socket', path.join(box.home, 'broker.sock')];
    const body = ['-d', JSON.stringify(WANTED)];
    expect(JSON.parse(curl(...bearer, `${base}/status`))).toMatchObject({ healthy: true, httpPort: api.port });
    expect(JSON.parse(curl(...bearer, ...body, `${base}/resolve`))).toMatchObject({ value: VALUE });
    expect(JSON.parse(curl(...local, ...body, 'http://localhost/resolve'))).toMatchObject({ value: VALUE });
    expect(JSON.parse(curl(...local, ...bearer, ...body, 'http://localhost/resolve'))).toMatchObject({ value: VALUE });
  });
});

describe.each([{ local: false }, { local: true }])('a request with local=$local', ({ local }) => {
  it('gets what the table says, in these very shapes', async () => {
    const health = await api.ask('/health', { local });
    expect([health.status, Object.keys(health.json)]).toEqual([
      200,
      ['healthy', 'uptimeSeconds', 'requestCount', 'aimConfigured', 'aimReachable', 'policyCount'],
    ]);
    const status = await api.ask('/status', { local });
    expect(Object.keys(status.json)).toEqual([
      ...Object.keys(health.json),
      ...['pid', 'startedAt', 'socketPath', 'httpPort'],
    ]);
    expect(status.json).toMatchObject({
      healthy: true,
      policyCount: 2,
      socketPath: path.join(box.home, 'broker.sock'),
    });
    expect((await api.ask('/livez', { local })).json).toEqual({ live: true });
    const ready = await api.ask('/readyz', { local });
    expect([ready.status, ready.json.ready]).toEqual([200, true]);
    expect(ready.json.checks.map(({ name }: { name: string }) => name)).toEqual([
      ...['listening', 'vault unlocked', 'audit writable', 'policy loaded'],
    ]);
    expect((await api.ask('/openapi.json', { local })).json).toMatchObject({ openapi: '3.1.0' });
  });

  it('gets a value that was decided and recorded, with headers that let nobody keep it', async () => {
    const answer = await api.resolve({ ...WANTED, reason: 'nightly scan' }, { local });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json)).toEqual(['value', 'grant', 'expiresAt']);
    expect(answer.json.value).toBe(VALUE);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(await lastRecord('grant.delivered')).toMatchObject({
      grant: answer.json.grant,
      secret: 'GITHUB_TOKEN',
      version: 1,
      agent: 'scan-01',
      rule: 'scanners',
      reason: 'nightly scan',
      latencyMs: expect.any(Number),
      peer: { pid: process.pid },
    });
  });

  it('is denied by default in these very words, and that is recorded', async () => {
    const answer = await api.resolve({ agentId: 'stranger', credentialName: 'GITHUB_TOKEN', reason: 'r' }, { local });
    expect([answer.status, answer.json]).toEqual([
      403,
      { error: 'Access denied', reason: 'No matching allow rule (default deny)', code: 'E_DENIED' },
    ]);
    expect(await lastRecord('grant.denied')).toMatchObject({
      agent: 'stranger',
      secret: 'GITHUB_TOKEN',
      rule: 'default-deny',
      reason: 'r',
      latencyMs: expect.any(Number),
    });
  });

  it('is told which rule denies it', async () => {
    const answer = await api.resolve({ agentId: 'scan-01', credentialName: 'prod/db' }, { local });
    expect([answer.status, answer.json]).toMatchObject([403, { error: 'Access denied', rule: 'no-prod' }]);
  });

  it('that is wrong is told so', async () => {
    const ask = (body: unknown) => api.resolve(body, { local });
    expect((await ask('{"agentId":"scan-01"')).status).toBe(400);
    expect((await ask('[]')).status).toBe(400);
    expect((await ask('{"agentId":"scan-01","agentId":"scan-01","credentialName":"GITHUB_TOKEN"}')).status).toBe(400);
    expect((await ask({ agentId: 1, credentialName: 'GITHUB_TOKEN' })).status).toBe(400);
    expect((await ask({ agentId: 'scan-01', credentialName: ['GITHUB_TOKEN'] })).status).toBe(400);
    expect((await ask({ agentId: 'scan-01' })).status).toBe(400);
    expect((await ask({ credentialName: 'GITHUB_TOKEN' })).status).toBe(400);
    expect((await ask({ agentId: 'scan-01', credentialName: 'no name' })).status).toBe(400);
    expect((await ask(Buffer.from('{"agentId":"scan-01","credentialName":"\xff"}', 'latin1'))).status).toBe(400);
    expect((await ask('['.repeat(60_000))).status).toBe(400);
    expect((await api.ask('/nowhere', { local })).status).toBe(404);
    expect((await api.ask('/resolve/x', { local })).status).toBe(404);
    const get = await api.ask('/resolve', { local });
    expect([get.status, get.headers.allow]).toEqual([405, 'POST']);
    const post = await api.ask('/v1/grants', { local, method: 'PUT' });
    expect([post.status, post.headers.allow]).toEqual([405, 'POST, GET, HEAD']);
    // Whether who asks can keep its orphans is not to be known.
    const session = await api.ask('/v1/sessions', { local, body: { agent: 'claude' } });
    expect([session.status, session.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('of 64 KiB is read, and of a byte more is not', async () => {
    const scan = (bytes: number) => api.ask('/v1/scan', { local, body: Buffer.alloc(bytes, 'x') });
    expect((await scan(65_536)).status).toBe(200);
    const more = await scan(65_537);
    expect([more.status, more.headers.connection]).toEqual([413, 'close']);
    expect((await scan(3_000_000)).status).toBe(413);
    const chunked = await api.ask('/v1/scan', {
      local,
      body: Buffer.alloc(70_000, 'x'),
      headers: { 'transfer-encoding': 'chunked', 'content-length': [] },
    });
    expect(chunked.status).toBe(413);
  });

  it('for a value that is no text, or that is not there, says so, and counts as a denial', async () => {
    const bytes = await api.resolve({ agentId: 'scan-01', credentialName: 'BYTES' }, { local });
    expect([bytes.status, bytes.json.code, bytes.json.rule]).toEqual([422, 'E_USAGE', 'not-text']);
    const missing = await api.resolve({ agentId: 'scan-01', credentialName: 'NOT_THERE' }, { local });
    expect([missing.status, missing.json.code]).toEqual([404, 'E_SECRET_MISSING']);
    const denied = (await box.log('--type', 'grant.denied')).slice(-2);
    expect(denied.map((record) => [record['secret'], record['rule']])).toEqual([
      ['BYTES', 'not-text'],
      ['NOT_THERE', 'secret-missing'],
    ]);
  });

  it('may name the secret as a reference, with its version', async () => {
    for (const name of ['hasp://GITHUB_TOKEN', 'hasp://GITHUB_TOKEN@1', 'GITHUB_TOKEN@1']) {
      expect((await api.resolve({ ...WANTED, credentialName: name }, { local })).json.value).toBe(VALUE);
    }
    expect((await api.resolve({ ...WANTED, credentialName: 'GITHUB_TOKEN@2' }, { local })).status).toBe(404);
  });

  it('finds values in a text and shows none', async () => {
    const text = `a ${Buffer.from(VALUE).toString('base64')} b`;
    const answer = await api.ask('/v1/scan', { local, body: text });
    expect(answer.json).toEqual({ findings: [{ secret: 'GITHUB_TOKEN', spelling: 'base64', offset: 2 }] });
    expect(answer.text).not.toContain(VALUE);
  });
});

describe('over TCP', () => {
  it.each(['/health', '/status', '/livez', '/readyz', '/metrics', '/openapi.json', '/nowhere'])(
    '%s needs a token',
    async (target) => {
      const answer = await api.ask(target, { token: undefined });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="hasp"']);
      expect((await api.ask(target, { token: `${api.ownerToken}x` })).status).toBe(401);
    },
  );

  it('a request of a page of the web is refused, whatever it has', async () => {
    const host = (name: string) => api.ask('/health', { headers: { host: name } });
    expect((await host(`evil.example:${api.port}`)).status).toBe(403);
    expect((await host('127.0.0.1')).status).toBe(403);
    expect((await host(`localhost:${api.port}`)).status).toBe(200);
    expect((await host(`[::1]:${api.port}`)).status).toBe(200);
    const origin = (name: string) => api.ask('/health', { headers: { origin: name } });
    for (const name of ['http://evil.example', 'null', `https://127.0.0.1:${api.port}`, 'http://127.0.0.1:1'])
      expect((await origin(name)).status).toBe(403);
    expect((await origin(`http://127.0.0.1:${api.port}`)).status).toBe(200);
  });
});

describe('a broker on an address that others reach', () => {
  it('says what that means, and wants a token and a host of its own as ever', async () => {
    const other = await Sandbox.withSecrets({ GITHUB_TOKEN: VALUE });
    try {
      expect(await other.run(['broker', 'start', '--insecure-listen', 'example.com'])).toMatchObject({ status: 2 });
      const begun = await other.run(['broker', 'start', '--detach', '--port', '0', '--insecure-listen', '0.0.0.0']);
      expect(begun.stderr.toString()).toMatch(/0\.0\.0\.0 without encryption/);
      const open = await ApiClient.of(other);
      expect((await open.ask('/health')).status).toBe(200);
      expect((await open.ask('/health', { token: undefined })).status).toBe(401);
      expect((await open.ask('/health', { headers: { host: `evil.example:${open.port}` } })).status).toBe(403);
    } finally {
      await other.run(['broker', 'stop']);
      other.remove();
    }
  });
});
