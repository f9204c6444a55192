import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { AgentIdentity } from '@hasp/core/rules';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IdentityServer, identityServerAt, NO_IDENTITY_SERVER } from './identity-server.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let url: string;
let answer: Answer;
let asked: string[];
let clock: number;
let refusals: { status: number; url: string }[];
let identities: IdentityServer;

beforeEach(async () => {
  asked = [];
  refusals = [];
  clock = 1_000;
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  identities = at(url);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const at = (address: string, token?: string) =>
  identityServerAt({
    url: address,
    ...(token === undefined ? {} : { token }),
    monotonic: () => clock,
    onAuthError: (refusal) => refusals.push(refusal),
  });
const says =
  (body: unknown, status = 200): Answer =>
  (_, response) =>
    response.writeHead(status).end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
const GOOD = { agentId: 'scan-01', trustScore: 0.9, capabilities: ['code-scan'], verified: true, more: { a: 1 } };
const TRUSTED: AgentIdentity = { state: 'answered', trustScore: 0.9, capabilities: ['code-scan'] };
const UNREACHABLE: AgentIdentity = { state: 'unreachable' };

describe('the identity server', () => {
  it('is asked for the agent with the token, and its answer kept a minute', async () => {
    let authorization: string | undefined;
    answer = (request, response) => {
      authorization = request.headers.authorization;
      says(GOOD)(request, response);
    };
    identities = at(`${url}/aim/`, 'the-token');
    expect(identities.state()).toBe('configured (unreachable)');
    expect(await identities.ask('scan-01')).toEqual(TRUSTED);
    expect(identities.state()).toBe('configured (reachable)');
    expect(authorization).toBe('Bearer the-token');
    clock += 59_999;
    expect(await identities.ask('scan-01')).toEqual(TRUSTED);
    expect(asked).toEqual(['/aim/api/v1/agents/scan-01']);
    answer = says({ ...GOOD, trustScore: 0.1 });
    clock += 1;
    expect(await identities.ask('scan-01')).toMatchObject({ trustScore: 0.1 });
  });

  it('is asked by no name for another path', async () => {
    answer = says({ trustScore: 1 });
    for (const name of ['a/../b', '..', '.', 'a b?c#d', 'é', '%2e', 'a\r\nb']) await identities.ask(name);
    expect(asked.map((path) => path.replace('/api/v1/agents/', ''))).toEqual([
      'a%2F..%2Fb',
      '%2E%2E',
      '%2E',
      'a%20b%3Fc%23d',
      '%C3%A9',
      '%252e',
      'a%0D%0Ab',
    ]);
    for (const name of ['', 'x'.repeat(257), '\ud800'])
      expect((await identities.ask(name)).state).toBe('unknown-agent');
    expect(asked).toHaveLength(7);
  });

  it('gets one question for many at once about the same agent', async () => {
    answer = says(GOOD);
    const answers = await Promise.all(Array.from({ length: 50 }, () => identities.ask('scan-01')));
    expect(answers).toEqual(Array(50).fill(TRUSTED));
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['bad JSON', says('{"trustScore": 0.9')],
    ['NaN', says('{"trustScore": NaN}')],
    ['no object', says('[0.9]')],
    ['a score above 1', says({ ...GOOD, trustScore: 2 })],
    ['a score below 0', says({ ...GOOD, trustScore: -0.1 })],
    ['a score as text', says({ ...GOOD, trustScore: '0.9' })],
    ['a score that is null', says({ ...GOOD, trustScore: null })],
    ['two scores', says('{"trustScore": 0.1, "trustScore": 0.9}')],
    ['capabilities as text', says({ ...GOOD, capabilities: 'code-scan' })],
    ['a capability that is none', says({ ...GOOD, capabilities: ['code-scan', 1] })],
    ['another agent', says({ ...GOOD, agentId: 'scan-02' })],
    ['no UTF-8', says(Buffer.from('{"trustScore": 1, "x": "\xff"}', 'latin1'))],
    ['a huge body', says({ ...GOOD, more: 'x'.repeat(70_000) })],
    ['an error of its own', says(GOOD, 500)],
    ['a redirect', says(GOOD, 302)],
    ['a success that is none', says(GOOD, 204)],
    [
      'a cut answer',
      (_, response) => response.writeHead(200, { 'content-length': 500 }).write('{', () => response.destroy()),
    ],
    ['nothing, and hangs up', ({ socket }) => socket.destroy()],
  ] as [string, Answer][])('is not believed: %s', async (_what, lie) => {
    answer = lie;
    expect(await identities.ask('scan-01')).toEqual(UNREACHABLE);
    answer = says(GOOD);
    clock += 9_999;
    expect(await identities.ask('scan-01')).toEqual(UNREACHABLE);
    clock += 1;
    expect(await identities.ask('scan-01')).toEqual(TRUSTED);
  });

  it('may leave out the score or the capabilities', async () => {
    answer = says({ capabilities: ['x'] });
    expect(await identities.ask('a')).toEqual({ state: 'answered', capabilities: ['x'] });
    answer = says({ trustScore: 0 });
    expect(await identities.ask('b')).toEqual({ state: 'answered', trustScore: 0, capabilities: [] });
  });

  it('does not know everybody', async () => {
    answer = says('', 404);
    expect(await identities.ask('scan-01')).toEqual({ state: 'unknown-agent' });
    expect([identities.state(), refusals]).toEqual(['configured (reachable)', []]);
  });

  it('that refuses our token is told of once, until it has answered again', async () => {
    answer = says('', 401);
    for (let i = 0; i < 20; i++) expect(await identities.ask(`scan-${i}`)).toEqual({ state: 'refused' });
    expect(refusals).toEqual([{ status: 401, url }]);
    expect(identities.state()).toBe('configured (reachable)');
    answer = says(GOOD);
    clock += 10_000;
    expect(await identities.ask('scan-01')).toEqual(TRUSTED);
    answer = says('', 403);
    await identities.ask('other');
    expect(refusals).toHaveLength(1);
    clock += 60_000;
    await identities.ask('other');
    await identities.ask('another');
    expect(refusals.map(({ status }) => status)).toEqual([401, 403]);
  });

  it('keeps a bounded number of answers', async () => {
    answer = says({ trustScore: 1 });
    for (let i = 0; i < 4_200; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, j) => identities.ask(`agent-${i + j}`)));
    asked = [];
    await identities.ask('agent-4199');
    expect(asked).toHaveLength(0);
    await identities.ask('agent-0');
    expect(asked).toHaveLength(1);
  });
});

describe('a server that is slow or dead', () => {
  it.each([
    ['accepts and never answers', () => {}],
    ['answers byte by byte', trickle],
    ['sends its head and stops', (_, response) => response.writeHead(200, { 'content-length': 10 }).flushHeaders()],
  ] as [string, Answer][])('takes a second, whatever it does: %s', async (_what, slow) => {
    answer = slow;
    const started = performance.now();
    expect(await identities.ask('scan-01')).toEqual(UNREACHABLE);
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(2_500);
  });

  it('costs nothing after three times, and is tried again one at a time', async () => {
    answer = ({ socket }) => socket.destroy();
    for (let i = 0; i < 100; i++) expect(await identities.ask(`a${i}`)).toEqual(UNREACHABLE);
    expect(asked).toHaveLength(3);
    clock += 10_000;
    await Promise.all(Array.from({ length: 10 }, (_, i) => identities.ask(`b${i}`)));
    expect(asked).toHaveLength(4);
    await identities.ask('c');
    expect(asked).toHaveLength(4);
    answer = says({ trustScore: 1 });
    clock += 10_000;
    expect((await identities.ask('d')).state).toBe('answered');
    expect((await identities.ask('e')).state).toBe('answered');
    expect(asked).toHaveLength(6);
  });

  it('keeps a crowd waiting a second at most, and only so many of it', async () => {
    answer = () => {};
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 10_000 }, (_, i) => identities.ask(`agent-${i}`)));
    expect(answers).toEqual(Array(10_000).fill(UNREACHABLE));
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(asked.length).toBeLessThanOrEqual(64);
  });

  it('is not there at all', async () => {
    const tcp = createTcpServer();
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    await new Promise((resolve) => tcp.close(resolve));
    identities = at(`http://127.0.0.1:${port}`);
    expect(await identities.ask('scan-01')).toEqual(UNREACHABLE);
    await identities.probe();
    expect(identities.state()).toBe('configured (unreachable)');
  });

  it('speaks no HTTP, or no TLS', async () => {
    const sockets: Socket[] = [];
    const tcp = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {}).end('SSH-2.0-x\r\n');
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    for (const scheme of ['http', 'https'])
      expect(await at(`${scheme}://127.0.0.1:${port}`).ask('scan-01')).toEqual(UNREACHABLE);
    tcp.close();
    for (const socket of sockets) socket.destroy();
  });
});

describe('its state', () => {
  it('is by whether anything answers', async () => {
    expect(NO_IDENTITY_SERVER.state()).toBe('not configured');
    expect(await NO_IDENTITY_SERVER.ask('a')).toEqual({ state: 'not-configured' });
    answer = says('', 404);
    await identities.probe();
    expect([identities.state(), asked]).toEqual(['configured (reachable)', ['/health']]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await identities.probe();
    expect(identities.state()).toBe('configured (unreachable)');
  });

  it('finds out that a server is there again, within seconds and without a question', async () => {
    answer = ({ socket }) => socket.destroy();
    await identities.probe();
    answer = says('');
    expect(identities.state()).toBe('configured (unreachable)');
    clock += 10_000;
    for (let i = 0; i < 5; i++) identities.state();
    const end = performance.now() + 20_000;
    while (identities.state() !== 'configured (reachable)' && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect([identities.state(), asked]).toEqual(['configured (reachable)', ['/health', '/health']]);
  });

  it.each(['', 'aim', 'ftp://x', 'http://', 'https://user:pass@x', 'https://x?token=1', 'file:///etc/passwd'])(
    'is nothing for an address that is none: %j',
    (address) => {
      expect(() => at(address)).toThrow('not an address');
    },
  );

  it('is nothing with a token that would end the header', () => {
    expect(() => at(url, 'a\r\nX: y')).toThrow('the token');
  });
});

function trickle(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}
