import { connect } from 'node:net';
import { HaspError } from '@hasp/core';
import { shortSocketPath } from '@hasp/process-tree';
import type { Listening, Stream } from './link.ts';

/** The same as a UnixStream, where there is no C library. Undefined where nobody listens. */
export function openNetStream(path: string, on: Listening): Promise<Stream | undefined> {
  return new Promise((resolve, reject) => {
    const short = shortSocketPath(path);
    const socket = connect(short.path ?? path);
    const close = (): void => {
      socket.destroy();
    };
    const write = (bytes: Uint8Array): boolean => {
      if (!socket.writable) return false;
      socket.write(bytes);
      return true;
    };
    socket.on('connect', () => {
      short.close();
      resolve({ write, close });
    });
    socket.on('data', (chunk) => on.received(chunk));
    socket.on('close', () => on.ended());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      short.close();
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(new HaspError('E_BROKER_UNREACHABLE', `the broker can't be reached (${error.code})`));
    });
  });
}
