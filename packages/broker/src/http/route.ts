import type { IncomingMessage } from 'node:http';
import type { Fetching } from '../fetch/fetching.ts';
import type { ApiParts } from './api-parts.ts';
import type { Caller } from './caller.ts';
import type { Connections } from './connections.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import type { Metrics } from './metrics.ts';
import type { Reply } from './reply.ts';

/** A part of an OpenAPI document. */
export type Schema = Readonly<Record<string, unknown>>;

/** What a deed may use. */
export interface Api {
  readonly parts: ApiParts;
  readonly fetching: Fetching;
  readonly connections: Connections;
  readonly attempts: FailedAttempts;
  readonly metrics: Metrics;
}

/** One request whose sender is known. */
export interface Question {
  readonly caller: Caller;
  readonly request: IncomingMessage;
  /** What stands in the path for `{id}`. */
  readonly id: string;
  /** Empty where the route takes none. */
  readonly body: Buffer;
  /** By `performance.now`. */
  readonly askedAt: number;
  /** Whoever waits has gone. */
  gone(): AbortSignal;
  /** Answers at once; what the deed returns is then not sent any more. */
  reply(reply: Reply): void;
}

/** One line of the table: how it is asked for, by whom, what is answered. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With at most one `{id}`, at its end. */
  readonly path: string;
  readonly says: string;
  /** Only for the owner, outside of every session. */
  readonly isOwners?: boolean;
  readonly takes?: { readonly type: 'application/json' | 'application/octet-stream'; readonly schema: Schema };
  /** By status, besides those that every route has. */
  readonly answers: Readonly<
    Record<number, { readonly says: string; readonly schema?: Schema; readonly type?: string }>
  >;
  readonly deed: (question: Question, api: Api) => Reply | Promise<Reply>;
}
