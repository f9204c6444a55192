import type { Server } from 'node:http';
import { HaspError } from '@hasp/core';

const LOOPBACK = '127.0.0.1';

/**
 * Returns the port.
 * @param port 0 for any that is free
 * @param host another address than the loopback's, where a person has asked for it
 * @throws HaspError E_EXISTS where it is taken, E_STORAGE
 */
export async function listenOnLoopback(server: Server, port: number, host: string = LOOPBACK): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new HaspError(
          error.code === 'EADDRINUSE' ? 'E_EXISTS' : 'E_STORAGE',
          `${host}:${port} can't be listened on (${error.code})`,
          'choose another: --port 0 for any, or --no-http',
        ),
      ),
    );
    server.listen({ port, host }, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
