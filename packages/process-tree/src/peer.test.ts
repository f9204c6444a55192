import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import type { ProcessIdentity } from '@hasp/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until, Workshop } from '../../../test/programs/workshop.ts';
import { identityOf, selfIdentity } from './identity.ts';
import { belongsTo, judgePeer, type PeerVerdict } from './peer.ts';
import { readStat } from './proc.ts';

/** This process stands for the wrapper: what it starts first is older than the command, and so an outsider. */
describe('a peer', { timeout: 30_000 }, () => {
  const started: ChildProcess[] = [];
  const wrapper = selfIdentity();
  let workshop: Workshop;
  let ask: string;
  let server: Server;
  let socketPath: string;
  let connected: { socket: Socket; fd: number }[] = [];

  beforeAll(async () => {
    workshop = new Workshop();
    ask = workshop.compile('ask');
    socketPath = path.join(workshop.folder, 'socket');
    server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => {});
      connected.push({ socket, fd: (socket as unknown as { _handle: { fd: number } })._handle.fd });
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    for (const { socket } of connected) socket.destroy();
    connected = [];
  });
  afterAll(() => {
    server.close();
    workshop.close();
  });

  function start(command: readonly string[]): ProcessIdentity {
    const [program = '', ...rest] = command;
    const child = spawn(program, rest, { stdio: ['pipe', 'ignore', 'ignore'] });
    started.push(child);
    const identity = identityOf(child.pid ?? 0);
    if (!identity) throw new Error('not started');
    return identity;
  }

  const connection = (): Promise<{ fd: number }> => until(() => connected.shift() as { fd: number } | undefined);
  const get = () => `${ask} get ${socketPath} x`;
  const tick = () => new Promise((resolve) => setTimeout(resolve, 20));

  it('is the process that connected, with its start time and its name', async () => {
    const root = start(['sh', '-c', `${get()}; true`]);
    const verdict = judgePeer((await connection()).fd, { wrapper, root, scope: 'tree' });
    if (verdict.kind !== 'member') throw new Error(verdict.kind);
    const { identity, command } = verdict.peer;
    expect(command).toBe('ask');
    expect(readStat(identity.pid)).toMatchObject({ parent: root.pid, startTime: identity.startTime });
  });

  it('belongs six deep, in a session of its own, without an environment', async () => {
    const deep = [1, 2, 3, 4, 5].reduce((inner) => `sh -c ${JSON.stringify(`${inner}; true`)}`, get());
    const root = start(['sh', '-c', `env -i setsid ${deep}; true`]);
    const verdict = judgePeer((await connection()).fd, { wrapper, root, scope: 'tree' });
    expect(verdict.kind).toBe('member');
  });

  it('belongs to the root only if it is the root', async () => {
    const root = start(['sh', '-c', `exec ${get()}`]);
    const { fd } = await connection();
    expect(judgePeer(fd, { wrapper, root, scope: 'root' }).kind).toBe('member');
    const other = start(['sh', '-c', `${get()}; true`]);
    expect(judgePeer((await connection()).fd, { wrapper, root: other, scope: 'root' }).kind).toBe('outsider');
  });

  it('is an outsider if it is older than the command, though it is a child of the wrapper', async () => {
    start(['sh', '-c', `read line; ${get()}; true`]);
    await tick();
    const root = start(['sleep', '30']);
    started[0]?.stdin?.write('now\n');
    expect(judgePeer((await connection()).fd, { wrapper, root, scope: 'tree' }).kind).toBe('outsider');
  });

  it('is an outsider if it is the wrapper, or what the wrapper came from', async () => {
    const root = start(['sleep', '30']);
    expect(belongsTo(wrapper, { wrapper, root, scope: 'tree' })).toBe(false);
    expect(belongsTo(wrapper, { wrapper, root: wrapper, scope: 'root' })).toBe(false);
    const above = identityOf(process.ppid);
    if (above) expect(belongsTo(above, { wrapper, root, scope: 'tree' })).toBe(false);
  });

  it('does not belong to a wrapper of the same pid that started at another time', () => {
    const root = start(['sleep', '30']);
    const bounds = { wrapper: { ...wrapper, startTime: '1' }, root, scope: 'tree' } as const;
    expect(belongsTo(root, bounds)).toBe(false);
    expect(belongsTo(root, { ...bounds, wrapper })).toBe(true);
  });

  it('is unknown if its pid was reused, or means something elsewhere', () => {
    const root = start(['sleep', '30']);
    for (const changed of [{ startTime: '1' }, { bootId: 'another' }, { pidNamespace: '1' }]) {
      expect(belongsTo({ ...root, ...changed }, { wrapper, root, scope: 'tree' })).toBeUndefined();
    }
  });

  it('is unknown once the process that connected has ended, whoever holds the connection', async () => {
    const file = path.join(workshop.folder, 'never');
    const root = start(['sh', '-c', `${ask} bequeath ${socketPath} x ${file}; sleep 30`]);
    const { fd } = await connection();
    const verdict = await until(() => {
      const now: PeerVerdict = judgePeer(fd, { wrapper, root, scope: 'tree' });
      return now.kind === 'unknown' && now;
    });
    expect(verdict.kind).toBe('unknown');
  });

  it('is who connected, not who holds the connection now', async () => {
    const pass = path.join(workshop.folder, 'pass');
    start([ask, 'lend', socketPath, pass]);
    const { fd } = await connection();
    await tick();
    const root = start([ask, 'borrow', pass, 'x']);
    expect(judgePeer(fd, { wrapper, root, scope: 'tree' }).kind).toBe('outsider');
  });

  it('is unknown where there is no connection', () => {
    const root = start(['sleep', '30']);
    const nowhere = openSync('/dev/null', 'r');
    expect(judgePeer(nowhere, { wrapper, root, scope: 'tree' }).kind).toBe('unknown');
    closeSync(nowhere);
  });
});
