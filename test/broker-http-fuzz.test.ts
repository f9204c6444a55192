import { Agent } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiAnswer, ApiClient, type ApiRequest } from './support/api.ts';
import { Fuzz } from './support/fuzz.ts';
import { Sandbox } from './support/sandbox.ts';

const ALLOWED = 'the-value-that-may-go-out';
const FORBIDDEN = 'the-value-that-never-may';
const REQUESTS = 10_000;
const AT_ONCE = 24;

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Schema {
  readonly properties?: Readonly<Record<string, { readonly type: string }>>;
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

let box: Sandbox;
let api: ApiClient;
let paths: Paths;
let agentToken: string;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ ALLOWED, FORBIDDEN, BYTES: Buffer.from([255, 254]) });
  api = await ApiClient.start(box, [{ id: 'one', agentSelector: 'fuzz-*', credentialSelector: 'ALLOWED' }]);
  agentToken = (await box.ok(['agent', 'add', 'fuzz-1'])).trim();
  paths = (await api.ask('/openapi.json')).json.paths;
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

/** One request made from the document, and then perhaps spoilt. */
function makeRequest(fuzz: Fuzz): { target: string; method: string; known: string | undefined; options: ApiRequest } {
  const template = fuzz.pick(Object.keys(paths));
  const operations = paths[template] ?? {};
  const method = fuzz.chance(0.85)
    ? fuzz.pick(Object.keys(operations)).toUpperCase()
    : fuzz.pick(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'POST']);
  const id = fuzz.chance(0.5) ? encodeURIComponent(wellFormed(fuzz.text())) : `${'0123456789abcdef'}-${fuzz.below(9)}`;
  const isSpoilt = fuzz.chance(0.1);
  const target = isSpoilt
    ? fuzz.pick([`${template}/`, `//${template}`, `${template}%2f..`, template.toUpperCase(), '/v1', '/*', '/'])
    : template.replace('{id}', id) + (fuzz.chance(0.2) ? `?${encodeURIComponent(wellFormed(fuzz.text()))}` : '');
  const operation = operations[method.toLowerCase()];
  const known = isSpoilt || operation === undefined ? undefined : template;
  const body = method === 'GET' && fuzz.chance(0.9) ? undefined : makeBody(fuzz, operation);
  const token = fuzz.pick([...Array(6).fill(api.ownerToken), ...Array(6).fill(agentToken), 'x', undefined]);
  return {
    target,
    method,
    known,
    options: {
      method,
      body,
      headers: makeHeaders(fuzz),
      local: fuzz.chance(0.3),
      ...(fuzz.chance(0.97) ? { token } : {}),
    },
  };
}

function makeBody(fuzz: Fuzz, operation: Operation | undefined): string | Uint8Array {
  const schema = operation?.requestBody?.content['application/json']?.schema;
  if (schema === undefined || fuzz.chance(0.1)) return spoilt(fuzz, fuzz.json());
  const known = { agentId: 'fuzz-1', credentialName: fuzz.pick(['ALLOWED', 'FORBIDDEN', 'hasp://ALLOWED', 'BYTES']) };
  const members = Object.keys(schema.properties ?? {}).flatMap((name) => {
    if (fuzz.chance(0.1)) return [];
    const right = (known as Record<string, string>)[name] ?? '1m';
    return [`${JSON.stringify(name)}:${fuzz.chance(0.8) ? JSON.stringify(right) : fuzz.json()}`];
  });
  if (fuzz.chance(0.1)) members.push(...members);
  if (fuzz.chance(0.1)) members.push(`"__proto__":${fuzz.json()}`);
  return spoilt(fuzz, `{${members.join(',')}}`);
}

function spoilt(fuzz: Fuzz, text: string): string | Uint8Array {
  if (fuzz.chance(0.8)) return text;
  return fuzz.pick<() => string | Uint8Array>([
    () => text.slice(0, fuzz.below(text.length + 1)),
    () => Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xc0, fuzz.below(256)])]),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]),
    () => '['.repeat(1 + fuzz.below(60_000)),
    () => `{"a":${'{"a":'.repeat(200)}1${'}'.repeat(201)}`,
    () => Buffer.alloc(65_000 + fuzz.below(70_000), 'x'),
    () => `${text}${text}`,
    () => Buffer.from(text, 'utf16le'),
  ])();
}

function makeHeaders(fuzz: Fuzz): Record<string, string | string[]> {
  if (fuzz.chance(0.75)) return {};
  return fuzz.pick<Record<string, string | string[]>>([
    { host: 'evil.example' },
    { host: `127.0.0.1:${api.port}.evil.example` },
    { host: [`127.0.0.1:${api.port}`, 'evil.example'] },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { authorization: [`Bearer ${agentToken}`, `Bearer ${api.ownerToken}`] },
    { authorization: `bearer  ${agentToken}` },
    { authorization: `Basic ${agentToken}` },
    { 'x-agent-id': 'fuzz-2', 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' },
    { 'content-type': 'text/plain; charset=utf-16' },
    { 'content-encoding': 'gzip' },
    { 'transfer-encoding': 'chunked', 'content-length': [] },
    { expect: '100-continue' },
    { expect: 'the-unexpected' },
    { range: 'bytes=0-1' },
    { 'x-long': 'y'.repeat(fuzz.below(20_000)) },
    { upgrade: 'websocket', connection: 'Upgrade' },
    { cookie: 'a=b; '.repeat(50) },
    { 'x-http-method-override': 'DELETE' },
  ]);
}

/** Bytes that no client library makes; what comes back, or nothing. */
async function askRaw(fuzz: Fuzz): Promise<string> {
  const head = `Host: 127.0.0.1:${api.port}\r\nAuthorization: Bearer ${agentToken}\r\nConnection: close\r\n`;
  const bytes = fuzz.pick<() => string>([
    () => `GET /health HTTP/9.9\r\n${head}\r\n`,
    () => `GET /hea lth HTTP/1.1\r\n${head}\r\n`,
    () => `GET http://evil.example/health HTTP/1.1\r\n${head}\r\n`,
    () => `POST /resolve HTTP/1.1\r\n${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{"a":1}`,
    () => `POST /resolve HTTP/1.1\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    () => `POST /resolve HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    () => `POST /resolve HTTP/1.1\r\n${head}Content-Length: -1\r\n\r\n`,
    () => `GET /health HTTP/1.1\r\n${head}X: ${'y'.repeat(40_000)}\r\n\r\n`,
    () => `GET /health HTTP/1.1\r\n${'A: b\r\n'.repeat(500)}${head}\r\n`,
    () => `GET /health HTTP/1.0\r\n\r\n`,
    () => `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${head}\r\n`,
    () => `GET /health HTTP/1.1\nHost: 127.0.0.1:${api.port}\n\n`,
    () => fuzz.text().repeat(3),
    () => '\u0016\u0003\u0001\u0002\u0000',
  ])();
  return new Promise((resolve) => {
    const socket = fuzz.chance(0.5) ? connect(api.port, '127.0.0.1') : connect(path.join(box.home, 'broker.sock'));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '?');
}

describe('a broker that is asked anything', () => {
  it('answers as its document says, lives, and lets no value out but with a grant', async () => {
    const seed = Math.floor(Date.now() / 1_000);
    const fuzz = new Fuzz(seed);
    const before = (await api.ask('/status')).json.pid;
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    const wrong: unknown[] = [];
    const statuses = new Map<number, number>();
    let granted = 0;
    const judge = (asked: ReturnType<typeof makeRequest>, answer: ApiAnswer): void => {
      const { status, text, json } = answer;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const isGrant = asked.known === '/resolve' && asked.method === 'POST' && status === 200;
      if (isGrant) granted += 1;
      const documented =
        asked.known === undefined ? [] : Object.keys(paths[asked.known]?.[asked.method.toLowerCase()]?.responses ?? {});
      const mayBe = [
        ...documented.map(Number),
        ...(asked.known === undefined ? [400, 401, 403, 404, 405, 408, 413, 417, 429, 431] : [404]),
      ];
      if (!mayBe.includes(status) && !(asked.method === 'HEAD' && status < 500)) wrong.push({ asked, status, text });
      if (text.includes(FORBIDDEN) || (!isGrant && text.includes(ALLOWED))) wrong.push({ asked, status, text });
      if (isGrant && json?.value !== ALLOWED) wrong.push({ asked, status, text });
      const { 'cache-control': kept, 'x-content-type-options': sniffed } = answer.headers;
      if (kept !== 'no-store' || sniffed !== 'nosniff' || (status >= 400 && asked.method !== 'HEAD' && !json?.code))
        wrong.push({ asked, status, headers: answer.headers });
    };
    const one = async (): Promise<void> => {
      if (fuzz.chance(0.08)) {
        const text = await askRaw(fuzz);
        if (/^HTTP\/1\.1 5/.test(text) || text.includes(FORBIDDEN) || text.includes(ALLOWED)) wrong.push(text);
        return;
      }
      const asked = makeRequest(fuzz);
      try {
        judge(asked, await api.ask(asked.target, { ...asked.options, agent }));
      } catch (error) {
        // Cut off: by a bound, or because Node itself refused to send it.
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (!/^(?:ECONNRESET|EPIPE|ERR_|HPE_)/.test(code)) wrong.push({ asked, error });
      }
    };
    let left = REQUESTS;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) await one();
      }),
    );
    agent.destroy();
    expect({ seed, wrong: wrong.slice(0, 3) }).toEqual({ seed, wrong: [] });
    expect(granted).toBeGreaterThan(20);
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 405, 413]));
    expect((await api.ask('/status')).json.pid).toBe(before);
    expect((await api.ask('/readyz')).status).toBe(200);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
    expect((await box.log('--type', 'auth.failed')).length).toBeLessThan(100);
  }, 600_000);
});
