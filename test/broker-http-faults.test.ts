import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiAnswer, ApiClient } from './support/api.ts';
import { runLoad } from './support/load.ts';
import { isLiving, Sandbox, until } from './support/sandbox.ts';

const VALUE = 'correct-horse-battery';
const WANTED = { agentId: 'scan-01', credentialName: 'GITHUB_TOKEN' };

let box: Sandbox;
let api: ApiClient;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ GITHUB_TOKEN: VALUE });
  api = await ApiClient.start(box);
});
afterEach(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

const place = (name: string): string => path.join(box.home, name);
const pidOf = async (): Promise<number> => (await api.ask('/status')).json.pid;
const ends = async () => (await box.log('--type', 'grant.ended')).map((record) => record['endReason']);

/** @param path of a unix socket */
async function opened(path?: string): Promise<Socket> {
  const socket = path === undefined ? connect(api.port, '127.0.0.1') : connect(path);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** All that comes until the other side closes. */
async function replyOf(socket: Socket, ...parts: (string | Buffer)[]): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const part of parts) socket.write(part);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}

describe('a log that can not be written', () => {
  it('is 503 for every decision, and gives no value; when it can, all goes on', async () => {
    const { grant } = (await api.resolve(WANTED)).json;
    renameSync(place('audit.jsonl'), place('kept'));
    mkdirSync(place('audit.jsonl'));
    for (const wanted of [WANTED, { ...WANTED, credentialName: 'OTHER' }, { ...WANTED, agentId: 'x', ttl: '1m' }]) {
      const answer = await api.resolve(wanted);
      expect([answer.status, answer.headers['retry-after'], answer.json.value]).toEqual([503, '1', undefined]);
    }
    const ready = await api.ask('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.json.checks.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([{ name: 'audit writable' }]);
    expect((await api.ask('/health')).json.healthy).toBe(false);
    expect((await api.ask('/livez')).status).toBe(200);
    rmdirSync(place('audit.jsonl'));
    renameSync(place('kept'), place('audit.jsonl'));
    const again = await api.resolve(WANTED);
    expect([again.status, again.json.grant]).toEqual([200, grant]);
    expect((await api.ask('/readyz')).status).toBe(200);
    expect(readdirSync(place('run')).filter((name) => name.endsWith('.json')).length).toBe(1);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('does not lose the end of a grant', async () => {
    const { grant } = (await api.resolve(WANTED)).json;
    renameSync(place('audit.jsonl'), place('kept'));
    mkdirSync(place('audit.jsonl'));
    await api.ask(`/v1/grants/${grant}`, { method: 'DELETE' });
    rmdirSync(place('audit.jsonl'));
    renameSync(place('kept'), place('audit.jsonl'));
    await until('the end is on record', async () => (await ends()).length === 1);
    expect(await ends()).toEqual(['revoked']);
  });
});

describe('a broker that is killed', () => {
  it('leaves grants that the next hasp ends, once', async () => {
    await api.resolve(WANTED);
    await api.resolve({ ...WANTED, ttl: '1h' });
    const pid = await pidOf();
    process.kill(pid, 'SIGKILL');
    await until('it has ended', () => !isLiving(pid));
    await Promise.all(Array.from({ length: 4 }, () => box.run(['grants'])));
    expect(await ends()).toEqual(['wrapper-lost', 'wrapper-lost']);
    expect(readdirSync(place('run'))).toEqual([]);
    api = await ApiClient.start(box);
    expect((await api.resolve(WANTED)).json.value).toBe(VALUE);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });
});

describe('a broker that is locked or stopped', () => {
  it('has ended its grants, and gives nothing', async () => {
    await api.resolve(WANTED);
    await box.ok(['lock']);
    expect(await ends()).toEqual(['revoked']);
    const answer = await api.resolve(WANTED);
    expect([answer.status, answer.json.code]).toEqual([503, 'E_VAULT_LOCKED']);
    await box.ok(['unlock']);
    expect((await api.resolve(WANTED)).status).toBe(200);
    await box.ok(['broker', 'stop']);
    expect(await ends()).toEqual(['revoked', 'revoked']);
    expect(
      ['broker.sock', 'broker.json', 'broker.token'].filter((name) => readdirSync(box.home).includes(name)),
    ).toEqual([]);
  });
});

describe('connections that do nothing', () => {
  it('1,000 of them do not keep an honest request away', async () => {
    const idle = await Promise.all(Array.from({ length: 1_000 }, () => opened()));
    expect((await api.resolve(WANTED)).status).toBe(200);
    expect((await api.resolve(WANTED, { local: true })).status).toBe(200);
    expect((await box.ok(['run', '-e', 'X=hasp://GITHUB_TOKEN', '--', 'sh', '-c', 'echo ${#X}'])).trim()).toBe(
      String(VALUE.length),
    );
    for (const socket of idle) socket.destroy();
  });

  it('are closed, with half a head or half a body', async () => {
    const half = `POST /resolve HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${api.ownerToken}\r\n`;
    const [head, body] = await Promise.all([
      replyOf(await opened(), half),
      replyOf(await opened(), `${half}Content-Length: 100\r\n\r\n{"agentId"`),
      ...Array.from({ length: 20 }, async () => replyOf(await opened(), 'G')),
      (async () => {
        for (let at = 0; at < 20; at += 1) expect((await api.resolve(WANTED)).status).toBe(200);
      })(),
    ]);
    for (const answer of [head, body]) expect(String(answer)).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    expect((await box.log('--type', 'grant.denied')).length).toBe(0);
  });
});

describe('a request that is too much', () => {
  it('64 KiB and a byte: is answered, and read on only so far', async () => {
    const head = (length: number): string =>
      `POST /v1/scan HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${api.ownerToken}\r\nContent-Length: ${length}\r\n\r\n`;
    expect(await replyOf(await opened(), head(65_537), Buffer.alloc(65_537))).toMatch(/^HTTP\/1\.1 413 /);
    const endless = await opened();
    const answer = replyOf(endless, head(1e12));
    const timer = setInterval(() => endless.write(Buffer.alloc(1 << 20)), 1);
    expect(await answer).toMatch(/^(?:HTTP\/1\.1 413 |$)/);
    clearInterval(timer);
  });

  it('many in one packet: each is answered, in order', async () => {
    const one = `GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${api.ownerToken}\r\n\r\n`;
    const last = one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
    const answer = await replyOf(await opened(), one.repeat(299) + last);
    expect(answer.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(300);
  });

  it('what is no HTTP is told so, in JSON', async () => {
    const answer = await replyOf(await opened(), 'nonsense\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*Cache-Control: no-store[\s\S]*"code":"E_USAGE"/);
  });

  it.each([
    ['two Host headers', 400, (host: string) => `GET /livez HTTP/1.1\r\n${host}${host}`],
    ['two Host headers of HTTP/1.0', 400, (host: string) => `GET /livez HTTP/1.0\r\n${host}${host}`],
    ['no Host header', 400, () => 'GET /livez HTTP/1.1\r\n'],
    ['an Expect of something else', 417, (host: string) => `GET /livez HTTP/1.1\r\n${host}Expect: the-unexpected\r\n`],
    ['too many bytes of headers', 431, (host: string) => `GET /livez HTTP/1.1\r\n${host}X: ${'y'.repeat(20_000)}\r\n`],
    ['a header that is none', 400, (host: string) => `GET /livez HTTP/1.1\r\n${host}Bad Header: x\r\n`],
    ['CONNECT', 400, (host: string) => `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${host}`],
  ] as const)('%s is refused in JSON with all headers, on both ways', async (_, status, head) => {
    const host = `Host: 127.0.0.1:${api.port}\r\n`;
    const request = `${head(host)}Authorization: Bearer ${api.ownerToken}\r\n\r\n`;
    for (const way of [opened(), opened(place('broker.sock'))]) {
      const answer = await replyOf(await way, request);
      const [headers = '', body = ''] = answer.split('\r\n\r\n');
      expect(headers).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(headers).toMatch(/^Cache-Control: no-store\r$/m);
      expect(headers).toMatch(/^X-Content-Type-Options: nosniff\r$/m);
      expect(JSON.parse(body)).toEqual({ error: expect.any(String), reason: expect.any(String), code: 'E_USAGE' });
    }
  });
});

describe('10,000 agent ids', () => {
  it('are each decided and recorded, in a bounded memory', async () => {
    await runLoad({
      port: api.port,
      token: api.ownerToken,
      connections: 10,
      requests: 10_000,
      body: (at) => JSON.stringify({ agentId: `agent-${at}`, credentialName: 'GITHUB_TOKEN' }),
    });
    expect((await box.json<{ grants: unknown[] }>(['grants'])).grants.length).toBe(1);
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${await pidOf()}/status`, 'utf8'))?.[1]) / 1024;
    expect(resident).toBeLessThan(120);
    const records = readFileSync(place('audit.jsonl'), 'utf8').match(/"agent":"agent-\d+"/g);
    expect(new Set(records).size).toBe(10_000);
  });
});

describe('a flood without a token that holds', () => {
  it('is recorded together, and honest requests go on', async () => {
    const honest = async (): Promise<number> => {
      const started = performance.now();
      for (let at = 0; at < 20; at += 1) expect((await api.ask('/health')).status).toBe(200);
      return performance.now() - started;
    };
    const alone = await honest();
    const size = statSync(place('audit.jsonl')).size;
    let isOver = false;
    const flood = Array.from({ length: 20 }, async () => {
      while (!isOver) await api.ask('/resolve', { token: 'hasp_agt_none', body: WANTED }).catch(() => {});
    });
    const during = await honest();
    isOver = true;
    await Promise.all(flood);
    const failures = await box.log('--type', 'auth.failed');
    expect(failures.length).toBeLessThan(10);
    expect(statSync(place('audit.jsonl')).size - size).toBeLessThan(20_000);
    // Loose: the machine is shared. The bench measures it.
    expect(during).toBeLessThan(20 * alone);
    await box.ok(['broker', 'stop']);
    const counted = (await box.log('--type', 'auth.failed')).map((record) => Number(record['count']));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(60);
  });
});

describe.runIf(process.getuid?.() === 0)('a full disk', () => {
  it('is 503 and no value, and loses nothing that was acknowledged', async () => {
    const small = path.join(box.root, 'small');
    mkdirSync(small);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=700', 'tmpfs', small]).status !== 0) return;
    const other = new Sandbox();
    const onSmall = Object.assign(Object.create(Sandbox.prototype), other, {
      home: path.join(small, 'home'),
      environment: { ...other.environment, HASP_HOME: path.join(small, 'home') },
    }) as Sandbox;
    try {
      await onSmall.ok(['init', '--key-file']);
      await onSmall.set('GITHUB_TOKEN', VALUE);
      const full = await ApiClient.start(onSmall);
      expect((await full.resolve(WANTED)).status).toBe(200);
      const filler = path.join(small, 'filler');
      expect(() => {
        for (;;) appendFileSync(filler, Buffer.alloc(512));
      }).toThrow(/ENOSPC/);
      const answers = await untilFull(full);
      expect(answers.every(({ status, json }) => (status === 200) === (json.value === VALUE))).toBe(true);
      expect(answers.at(-1)?.status).toBe(503);
      expect((await full.ask('/livez')).status).toBe(200);
      expect((await full.ask('/readyz')).status).toBe(503);
      rmSync(filler);
      expect((await full.resolve(WANTED)).status).toBe(200);
      const delivered = await onSmall.log('--type', 'grant.delivered');
      expect(delivered.length).toBe(2 + answers.filter(({ status }) => status === 200).length);
      expect(await onSmall.json(['audit', 'verify'])).toMatchObject({ ok: true });
      await onSmall.ok(['broker', 'stop']);
    } finally {
      execFileSync('umount', ['-l', small]);
      other.remove();
    }
  });

  /** The last page of the log has some room left. */
  async function untilFull(client: ApiClient): Promise<ApiAnswer[]> {
    const answers: ApiAnswer[] = [];
    for (let at = 0; at < 100 && answers.at(-1)?.status !== 503; at += 1) answers.push(await client.resolve(WANTED));
    return answers;
  }
});
