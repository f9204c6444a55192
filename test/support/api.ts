import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import path from 'node:path';
import type { Sandbox } from './sandbox.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a document that the test looks into
  readonly json: any;
}

export interface ApiRequest {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
  /** Over the unix socket. */
  readonly local?: boolean;
  readonly agent?: RequestOptions['agent'];
}

interface Rule {
  readonly id: string;
  readonly effect?: string;
  readonly agentSelector?: string;
  readonly credentialSelector?: string;
  readonly constraints?: object;
}

/** A broker that runs in a sandbox, as a client sees it. */
export class ApiClient {
  readonly box: Sandbox;
  readonly port: number;
  readonly ownerToken: string;

  private constructor(box: Sandbox, port: number, ownerToken: string) {
    this.box = box;
    this.port = port;
    this.ownerToken = ownerToken;
  }

  static async start(box: Sandbox, rules: readonly Rule[] = [{ id: 'all' }], argv: string[] = []): Promise<ApiClient> {
    writePolicy(box, rules);
    await box.ok(['broker', 'start', '--detach', '--port', '0', ...argv]);
    return ApiClient.of(box);
  }

  /** Of a broker that runs. */
  static async of(box: Sandbox): Promise<ApiClient> {
    const { httpPort } = await box.json<{ httpPort: number }>(['broker', 'status']);
    return new ApiClient(box, httpPort, readFileSync(path.join(box.home, 'broker.token'), 'utf8'));
  }

  /** With the owner's token, unless another or none (undefined) is given. */
  async ask(target: string, options: ApiRequest = {}): Promise<ApiAnswer> {
    const token = 'token' in options ? options.token : options.local === true ? undefined : this.ownerToken;
    const body =
      options.body === undefined || typeof options.body === 'string' || options.body instanceof Uint8Array
        ? (options.body as string | Uint8Array | undefined)
        : JSON.stringify(options.body);
    return send(
      {
        ...(options.local === true
          ? { socketPath: path.join(this.box.home, 'broker.sock') }
          : { host: '127.0.0.1', port: this.port }),
        method: options.method ?? (body === undefined ? 'GET' : 'POST'),
        path: target,
        agent: options.agent ?? false,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          ...options.headers,
        },
      },
      body,
    );
  }

  resolve(body: unknown, options: ApiRequest = {}): Promise<ApiAnswer> {
    return this.ask('/resolve', { ...options, body });
  }
}

function writePolicy(box: Sandbox, rules: readonly Rule[]): void {
  const whole = rules.map((rule) => ({ effect: 'allow', agentSelector: '*', credentialSelector: '*', ...rule }));
  writeFileSync(path.join(box.home, 'policy.json'), JSON.stringify({ version: 1, rules: whole }), { mode: 0o600 });
}

function send(options: RequestOptions, body: string | Uint8Array | undefined): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
