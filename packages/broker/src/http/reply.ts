import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type ErrorCode, HaspError } from '@hasp/core';

/** What is answered: a document, or a text. */
export interface Reply {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly type?: string;
  /** Name and value, by turns. */
  readonly headers?: readonly string[];
  /** The connection is closed behind it. */
  readonly closes?: boolean;
}

/** A question that is refused before anything is decided. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`refused with ${reply.status}`);
    this.reply = reply;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Access denied',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  413: 'Content too large',
  417: 'Expectation failed',
  422: 'Not text',
  429: 'Too many requests',
  431: 'Header fields too large',
  500: 'Internal error',
  503: 'Unavailable',
};

export interface Failure {
  readonly reason: string;
  readonly rule?: string;
  readonly code: ErrorCode;
}

export function failed(status: number, failure: Failure, rest: Omit<Reply, 'status' | 'json'> = {}): Reply {
  return { status, json: { error: TITLES[status] ?? 'Error', ...failure }, ...rest };
}

export function refusal(status: number, code: ErrorCode, reason: string, rest?: Omit<Reply, 'status' | 'json'>) {
  return new Refusal(failed(status, { reason, code }, rest));
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  E_USAGE: 400,
  E_NAME_INVALID: 400,
  E_REFERENCE_INVALID: 400,
  E_DENIED: 403,
  E_PEER_UNKNOWN: 403,
  E_AGENT_SESSION: 403,
  E_SECRET_MISSING: 404,
  E_GRANT_MISSING: 404,
  E_SESSION_MISSING: 404,
  E_VAULT_LOCKED: 503,
  E_BROKER_UNREACHABLE: 503,
  E_AUDIT_WRITE: 503,
  E_CHAIN_BROKEN: 503,
  E_STORAGE: 503,
};
const RETRY_SECONDS = '1';

/** What went wrong, as it is answered. What is no HaspError is a fault of hasp's own, and is not quoted. */
export function replyTo(error: unknown): Reply {
  if (error instanceof Refusal) return error.reply;
  if (!(error instanceof HaspError)) return failed(500, { reason: 'a fault of the broker', code: 'E_INTERNAL' });
  const status = STATUS[error.code] ?? 500;
  return failed(
    status,
    { reason: error.message, code: error.code },
    status === 503 ? { headers: ['Retry-After', RETRY_SECONDS] } : {},
  );
}

const ALWAYS = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'] as const;

/** All of it is sent; the end of the connection may be left to wait. */
export function send(response: ServerResponse, reply: Reply, until?: Promise<void>): void {
  if (response.headersSent || response.destroyed) return;
  const body = reply.text ?? `${JSON.stringify(reply.json)}\n`;
  response.writeHead(reply.status, [
    'Content-Type',
    reply.type ?? 'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...ALWAYS,
    ...(reply.headers ?? []),
    ...(reply.closes === true ? ['Connection', 'close'] : []),
  ]);
  if (until === undefined) response.end(body);
  else {
    response.write(body);
    void until.then(() => response.end());
  }
}

/** For what never became a request. */
export function rawReply(status: number): string {
  const { json } = failed(status, { reason: 'not a request that can be read', code: 'E_USAGE' });
  const body = `${JSON.stringify(json)}\n`;
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
