import { createServer, type Server } from 'node:http';
import type { DaemonStatus } from './daemon.ts';

export interface HttpParts {
  readonly token: string;
  status(): DaemonStatus;
  counted(): void;
}

export function makeHttpServer({ status, counted }: HttpParts): Server {
  return createServer((_request, response) => {
    counted();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(status()));
  });
}
