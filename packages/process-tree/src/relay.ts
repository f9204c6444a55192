import { write } from 'node:fs';
import type { Libc } from './libc.ts';

/** Bytes in, bytes out. What `push`, `idle` and `end` return is written before anything else is read. */
export interface ByteTransform {
  push(chunk: Uint8Array): Uint8Array;
  /** After a short silence: what may be released although its continuation is not known. */
  idle?(): Uint8Array;
  end(): Uint8Array;
}

export interface Relay {
  /** The child's end of the pipe; close it here once the child has it. */
  readonly childEnd: number;
  /** Writes what the pipe still holds, then closes it. Resolves early if our reader has gone. */
  drain(): Promise<void>;
}

const CHUNK_BYTES = 65_536;
const IDLE_MS = 20;
const RETRY_MS = 5;
const F_SETFL = 4;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const EAGAIN = 11;
const EINTR = 4;

/**
 * A real pipe (a child may open /dev/stdout, which fails on Node's socket pairs), read only while no
 * write is pending, so that memory stays flat behind a slow reader. Writes go through the thread
 * pool: our descriptor is shared with others and must not be made non-blocking.
 */
export function openRelay(libc: Libc, target: number, createTransform: () => ByteTransform): Relay {
  const [source, childEnd] = openPipe(libc);
  // Only our end: the flag belongs to the open file, and each end is one of its own.
  libc.fcntl(source, F_SETFL, O_NONBLOCK);
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let transform: ByteTransform | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let pumping = false;
  let finishing = false;
  let over = false;
  let finished: () => void = () => {};
  const whenOver = new Promise<void>((resolve) => {
    finished = resolve;
  });

  const finish = (): void => {
    if (over) return;
    over = true;
    clearTimeout(idleTimer);
    handle.close();
    libc.close(source);
    finished();
  };
  const deliver = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length > 0 && !(await writeAll(target, bytes))) finish();
  };
  const pump = async (): Promise<void> => {
    if (pumping || over) return;
    pumping = true;
    handle.stop();
    clearTimeout(idleTimer);
    while (!over) {
      const length = libc.read(source, buffer, CHUNK_BYTES);
      if (length > 0) {
        transform ??= createTransform();
        await deliver(transform.push(buffer.subarray(0, length)));
      } else if (length < 0 && libc.errno() === EINTR) {
      } else if (length < 0 && libc.errno() === EAGAIN && !finishing) {
        break;
      } else {
        if (transform) await deliver(transform.end());
        finish();
      }
    }
    pumping = false;
    if (over) return;
    handle.start({ readable: true, disconnect: true }, pump);
    if (transform?.idle) idleTimer = setTimeout(release, IDLE_MS);
  };
  const release = async (): Promise<void> => {
    const bytes = transform?.idle?.();
    if (!bytes || bytes.length === 0) return;
    pumping = true;
    handle.stop();
    await deliver(bytes);
    pumping = false;
    await pump();
  };
  const handle = libc.poll(source, { readable: true }, pump);
  return {
    childEnd,
    drain: async () => {
      finishing = true;
      await pump();
      await whenOver;
    },
  };
}

/** Both ends close themselves at exec. */
export function openPipe(libc: Libc): [number, number] {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) throw new Error(`pipe2 failed with errno ${libc.errno()}`);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** False if nobody reads any more. */
async function writeAll(fd: number, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    const outcome = await writeSome(fd, bytes, at);
    if (typeof outcome === 'number') at += outcome;
    else if (outcome === 'EAGAIN') await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    else if (outcome !== 'EINTR') return false;
  }
  return true;
}

function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => resolve(error ? error.code : written));
  });
}
