import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peerOfTcp, type TcpEnd } from './tcp-peer.ts';

let server: Server;
let child: ChildProcess | undefined;

beforeEach(() => {
  server = createServer();
});
afterEach(() => {
  child?.kill('SIGKILL');
  server.close();
});

/** The accepted end of a connection that a process of its own has made. */
async function connected(host: string, target = host): Promise<Socket> {
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const script = `require('net').connect(${port}, ${JSON.stringify(target)}); setInterval(() => {}, 1000)`;
  const accepted = once(server, 'connection');
  child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  return (await accepted)[0] as Socket;
}

function ends(socket: Socket): [TcpEnd, TcpEnd] {
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  return [
    { address: localAddress, port: localPort },
    { address: remoteAddress, port: remotePort },
  ];
}

describe('the other end of a connection', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['::', '127.0.0.1'],
  ])('of a server on %s is found, with who holds it', async (host, target) => {
    const socket = await connected(host, target);
    const peer = peerOfTcp(...ends(socket));
    expect(peer?.uid).toBe(process.getuid?.());
    expect(peer?.holders.map(({ identity }) => identity.pid)).toEqual([child?.pid]);
    socket.destroy();
  });

  it('is not found by its ports alone', async () => {
    const socket = await connected('127.0.0.1');
    const [local, remote] = ends(socket);
    expect(peerOfTcp(local, { ...remote, address: '127.0.0.2' })).toBeUndefined();
    expect(peerOfTcp({ ...local, address: '10.0.0.1' }, remote)).toBeUndefined();
    expect(peerOfTcp(local, { address: 'fe80::1', port: remote.port })).toBeUndefined();
    socket.destroy();
  });

  it('has no holder once its process is gone', async () => {
    const socket = await connected('127.0.0.1');
    const all = ends(socket);
    const closed = once(socket, 'close');
    socket.resume();
    child?.kill('SIGKILL');
    await closed;
    expect(peerOfTcp(...all)?.holders ?? []).toEqual([]);
  });
});
