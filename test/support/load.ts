import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly token: string;
  readonly body: string | ((at: number) => string);
  readonly connections: number;
  readonly requests: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array;
  /** By status. */
  readonly answers: ReadonlyMap<number, number>;
}

const END = Buffer.from('\r\n\r\n');

/** Asks over connections that stay open, each for the next as soon as it is answered. */
export async function runLoad({ port, token, body, connections, requests }: Load): Promise<LoadResult> {
  const requestFor = (text: string): Buffer =>
    Buffer.from(
      `POST /resolve HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  const same = typeof body === 'string' ? requestFor(body) : undefined;
  const request = (at: number): Buffer => same ?? requestFor((body as (at: number) => string)(at));
  const latencies = new Float64Array(requests);
  const answers = new Map<number, number>();
  let asked = 0;
  let answered = 0;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let sentAt = 0;
      let pending: Buffer = Buffer.alloc(0);
      const next = (): void => {
        if (asked >= requests) {
          socket.end();
          resolve();
          return;
        }
        asked += 1;
        sentAt = performance.now();
        socket.write(request(asked - 1));
      };
      socket.on('connect', next);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the connection was closed')));
      socket.on('data', (chunk: Buffer) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        const end = pending.indexOf(END);
        if (end < 0) return;
        const head = pending.toString('latin1', 0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        if (pending.length < end + END.length + length) return;
        pending = Buffer.alloc(0);
        latencies[answered++] = performance.now() - sentAt;
        const status = Number(head.slice(9, 12));
        answers.set(status, (answers.get(status) ?? 0) + 1);
        next();
      });
    });
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - started) / 1_000;
  return { perSecond: requests / seconds, latencies: latencies.sort(), answers };
}

export function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
