import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HaspError, type Reference } from '@hasp/core';
import { type PeerVerdict, selfIdentity } from '@hasp/process-tree';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchThrough } from './ask-client.ts';
import { formatValue, MAX_REQUEST_BYTES, parseAnswer, parseRequest } from './ask-protocol.ts';
import { AskServer } from './ask-server.ts';

const VALUE = Buffer.from('value-that-is-asked-for');
const MEMBER: PeerVerdict = { kind: 'member', peer: { identity: selfIdentity(), command: 'test' } };
const REQUEST = '{"v":1,"get":"db/url"}\n';

let folder: string;
let server: AskServer;
let socketPath: string;
let verdicts: PeerVerdict[];
let asked: Reference[];
let failure: Error | undefined;
let value: Buffer;
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'hasp-ask-'));
  socketPath = path.join(folder, 'ask');
  [verdicts, asked, failure, value] = [[MEMBER], [], undefined, VALUE];
  server = await AskServer.open({
    path: socketPath,
    descriptors: 1_024,
    ready: Promise.resolve(),
    judge: () => (verdicts.length > 1 ? verdicts.shift() : verdicts[0]) ?? MEMBER,
    fetch: (wanted) => {
      if (failure) throw failure;
      asked.push(wanted);
      return value;
    },
  });
});

afterEach(() => {
  vi.useRealTimers();
  server.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends this and gives what came until the other side was done. */
function say(text: string | undefined, end = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    sockets.push(socket);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => resolve(answer));
    if (text !== undefined) socket.write(text);
    if (end) socket.end();
  });
}

const codeIn = (answer: string): unknown => (JSON.parse(answer) as { error?: { code?: unknown } }).error?.code;
const refused = async (name: string): Promise<unknown> => fetchThrough(socketPath, name).catch((error) => error.code);

describe('a member that asks', () => {
  it('gets the exact bytes, and its connection ends', async () => {
    expect(await fetchThrough(socketPath, 'db/url@2')).toEqual(VALUE);
    expect(await say(REQUEST)).toBe(`{"v":1,"value":"${VALUE.toString('base64')}"}\n`);
    expect(asked).toEqual([{ name: 'db/url', version: 2 }, { name: 'db/url' }]);
  });

  it('may write its request byte by byte, end its side, and say more than is read', async () => {
    const socket = connect({ path: socketPath });
    const answer = new Promise<string>((resolve) => socket.on('data', (chunk) => resolve(String(chunk))));
    for (const byte of REQUEST) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await answer).toContain('value');
    expect(await say(REQUEST, true)).toContain('value');
    expect((await say(REQUEST.repeat(3))).match(/value/g)).toHaveLength(1);
  });

  it.each([
    ['not JSON', '{\n', 'E_USAGE'],
    ['another version', '{"v":2,"get":"db/url"}\n', 'E_USAGE'],
    ['no name', '{"v":1}\n', 'E_USAGE'],
    ['not an object', 'null\n', 'E_USAGE'],
    ['what is no name', '{"v":1,"get":"../x"}\n', 'E_NAME_INVALID'],
    ['what is no reference', '{"v":1,"get":"hasp://"}\n', 'E_REFERENCE_INVALID'],
    ['too much', 'x'.repeat(MAX_REQUEST_BYTES + 1), 'E_USAGE'],
  ])('with %s is told so, and nothing is fetched', async (_what, text, code) => {
    expect(codeIn(await say(text))).toBe(code);
    expect(asked).toEqual([]);
  });

  it('is told of half a request that it ended', async () => {
    expect(codeIn(await say(REQUEST.slice(0, 10), true))).toBe('E_USAGE');
  });

  it('is told why nothing is handed out', async () => {
    failure = new HaspError('E_AUDIT_WRITE', 'could not be recorded');
    expect(await refused('db/url')).toBe('E_AUDIT_WRITE');
    failure = new Error(`a fault that quotes ${VALUE}`);
    const answer = await say(REQUEST);
    expect(codeIn(answer)).toBe('E_INTERNAL');
    expect(answer).not.toContain(String(VALUE));
  });

  it('is judged again when it asks', async () => {
    verdicts = [MEMBER, { kind: 'unknown' }];
    expect(await refused('db/url')).toBe('E_PEER_UNKNOWN');
    expect(asked).toEqual([]);
  });

  it('has a while for its request, and not for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waiting = say(REQUEST.slice(0, 10));
    while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(codeIn(await waiting)).toBe('E_USAGE');
  });
});

describe('an outsider', () => {
  it('is told so at once, without a word read', async () => {
    verdicts = [{ kind: 'outsider' }];
    expect(codeIn(await say(undefined))).toBe('E_NOT_IN_TREE');
    expect(codeIn(await say(REQUEST))).toBe('E_NOT_IN_TREE');
    verdicts = [{ kind: 'unknown' }];
    expect(codeIn(await say(undefined))).toBe('E_PEER_UNKNOWN');
    expect(asked).toEqual([]);
  });
});

describe('the socket', () => {
  it('is for its owner alone', () => {
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  });

  it('serves while a thousand clients say nothing, by letting go of those that waited longest', async () => {
    const idle = Array.from({ length: 1_000 }, () => say(undefined));
    expect(await fetchThrough(socketPath, 'db/url')).toEqual(VALUE);
    const first = await Promise.race(idle);
    expect(codeIn(first)).toBe('E_BROKER_UNREACHABLE');
    expect(await fetchThrough(socketPath, 'db/url')).toEqual(VALUE);
  });

  it('goes on when clients leave in the middle of a request or of its answer', async () => {
    await Promise.all(
      Array.from({ length: 200 }, async (_, count) => {
        const socket = connect(socketPath);
        socket.on('error', () => {});
        await new Promise((resolve) => socket.write(REQUEST.slice(0, count % (REQUEST.length + 1)), resolve));
        socket.destroy();
      }),
    );
    expect(await fetchThrough(socketPath, 'db/url')).toEqual(VALUE);
  });

  it('waits for nobody who does not read, and cuts him off when it is closed', async () => {
    value = Buffer.alloc(1 << 20, 'long');
    const slow = Array.from({ length: 20 }, () => connect(socketPath).pause());
    sockets.push(...slow);
    for (const socket of slow) socket.write(REQUEST);
    expect((await fetchThrough(socketPath, 'db/url')).equals(value)).toBe(true);
    while (asked.length < slow.length + 1) await new Promise((resolve) => setImmediate(resolve));
    server.close();
    const [first] = slow;
    const rest = await new Promise<number>((resolve) => {
      let bytes = 0;
      first?.on('data', (chunk) => {
        bytes += chunk.length;
      });
      first?.on('error', () => {}).on('close', () => resolve(bytes));
      first?.resume();
    });
    expect(rest).toBeLessThan(value.length);
  });

  it('is gone once it is closed, and who was connected gets nothing more', async () => {
    const waiting = say(REQUEST.slice(0, 10));
    expect(await fetchThrough(socketPath, 'db/url')).toEqual(VALUE);
    server.close();
    expect(codeIn(await waiting)).toBe('E_GRANT_MISSING');
    expect(await refused('db/url')).toBe('E_NOT_IN_TREE');
    expect(asked).toHaveLength(1);
  });

  it('that can not be made is an error', async () => {
    const nowhere = {
      path: path.join(folder, 'no/where'),
      descriptors: 9,
      ready: Promise.resolve(),
      judge: () => MEMBER,
      fetch: () => VALUE,
    };
    await expect(AskServer.open(nowhere)).rejects.toMatchObject({ code: 'E_STORAGE' });
  });
});

describe('the protocol', () => {
  it('carries any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const line = formatValue(bytes);
        expect(JSON.parse(String(line))).toEqual({ v: 1, value: Buffer.from(bytes).toString('base64') });
        expect(parseAnswer(line.subarray(0, -1))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('takes no request for another', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(() => parseRequest(Buffer.from(text))).toThrow(HaspError);
      }),
    );
  });

  it.each(['', '{', 'null', '{"v":1}', '{"v":2,"value":""}', '{"v":1,"error":{"code":"E_NEW"}}'])(
    'has no answer in %s',
    (line) => {
      expect(() => parseAnswer(Buffer.from(line))).toThrow('no answer that can be read');
    },
  );
});
