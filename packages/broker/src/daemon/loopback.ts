import type { Server } from 'node:http';
import { HaspError } from '@hasp/core';

const LOOPBACK = '127.0.0.1';

/** Returns the port. @param port 0 for any that is free @throws HaspError E_EXISTS where it is taken, E_STORAGE */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new HaspError(
          error.code === 'EADDRINUSE' ? 'E_EXISTS' : 'E_STORAGE',
          `${LOOPBACK}:${port} can't be listened on (${error.code})`,
          'choose another: --port 0 for any, or --no-http',
        ),
      ),
    );
    server.listen({ port, host: LOOPBACK }, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
