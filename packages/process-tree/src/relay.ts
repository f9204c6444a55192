import { write } from 'node:fs';
import { HaspError } from '@hasp/core';
import type { Libc } from './libc.ts';

/** Bytes in, bytes out. What `push`, `idle` and `end` return is written before anything else is read. */
export interface ByteTransform {
  push(chunk: Uint8Array): Uint8Array;
  /** After a short silence: what may be released although its continuation is not known. */
  idle?(): Uint8Array;
  end(): Uint8Array;
}

/** Four times a pipe's usual capacity: at full speed the thread pool's latency counts a quarter. */
const CHUNK_BYTES = 262_144;
const IDLE_MS = 20;
const RETRY_MS = 5;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const EAGAIN = 11;
const EINTR = 4;
/** Our reader has gone: nothing to say. Any other failure of a write (a full disk) is. */
const READER_GONE = ['EPIPE', 'ECONNRESET'];

/**
 * A stream of the child on its way through a transform to one of our descriptors.
 *
 * It is a real pipe (a child may open /dev/stdout, which fails on Node's socket pairs), read only
 * while no write is pending, so that memory stays flat behind a slow reader. Writes go through the
 * thread pool: our descriptor is shared with others and must not be made non-blocking. When our
 * reader has gone the pipe is closed, and the child gets its SIGPIPE.
 */
export class Relay {
  /** The child's end of the pipe; to be closed here once the child has it. */
  readonly childEnd: number;
  readonly #libc: Libc;
  readonly #source: number;
  readonly #target: number;
  readonly #createTransform: () => ByteTransform;
  readonly #warn: (line: string) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #handle: ReturnType<Libc['poll']>;
  readonly #over: Promise<void>;
  #finished: () => void = () => {};
  #transform: ByteTransform | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #lost = false;
  #state: 'waiting' | 'writing' | 'over' = 'waiting';
  #draining = false;

  constructor(libc: Libc, target: number, createTransform: () => ByteTransform, warn: (line: string) => void) {
    const [source, childEnd] = openPipe(libc);
    this.childEnd = childEnd;
    this.#libc = libc;
    this.#source = source;
    this.#target = target;
    this.#createTransform = createTransform;
    this.#warn = warn;
    this.#over = new Promise((resolve) => {
      this.#finished = resolve;
    });
    // Only our end: the flag belongs to the open file, and each end is one of its own.
    libc.fcntl(source, F_SETFL, O_NONBLOCK);
    // A user with many pipes may be refused: then it stays as it is.
    libc.fcntl(source, F_SETPIPE_SZ, CHUNK_BYTES);
    this.#handle = libc.poll(source, { readable: true }, () => void this.#pump());
  }

  /** Something that the command wrote could not be written, and not because its reader had gone. */
  get hasLost(): boolean {
    return this.#lost;
  }

  /** Writes what the pipe still holds, then closes it, whoever else still has its other end. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#pump();
    await this.#over;
  }

  /** Reads and writes in turn until the pipe is empty for now. */
  async #pump(): Promise<void> {
    if (this.#state !== 'waiting') return;
    this.#pause();
    while (this.#isWriting()) {
      const length = this.#libc.read(this.#source, this.#buffer, CHUNK_BYTES);
      if (length > 0) {
        const transform = this.#openTransform();
        if (transform) await this.#deliver(transform.push(this.#buffer.subarray(0, length)));
        continue;
      }
      const errno = length < 0 ? this.#libc.errno() : 0;
      if (errno === EINTR) continue;
      if (errno === EAGAIN && !this.#draining) break;
      if (this.#transform) await this.#deliver(this.#transform.end());
      this.#finish();
    }
    this.#resume();
  }

  /** Without it nothing of the output may be shown: the pipe is closed, as if its reader had gone. */
  #openTransform(): ByteTransform | undefined {
    try {
      this.#transform ??= this.#createTransform();
      return this.#transform;
    } catch (error) {
      this.#lost = true;
      this.#warn(withheld(error));
      this.#finish();
      return undefined;
    }
  }

  async #releaseHeld(): Promise<void> {
    if (this.#state !== 'waiting') return;
    const bytes = this.#transform?.idle?.();
    if (!bytes || bytes.length === 0) return;
    this.#pause();
    await this.#deliver(bytes);
    // Something may have come meanwhile, and then the silence begins anew.
    if (!this.#isWriting()) return;
    this.#state = 'waiting';
    await this.#pump();
  }

  async #deliver(bytes: Uint8Array): Promise<void> {
    const failure = await writeAll(this.#target, bytes);
    if (failure === undefined) return;
    if (!READER_GONE.includes(failure)) {
      this.#lost = true;
      this.#warn(`output could not be written (${failure})`);
    }
    this.#finish();
  }

  #pause(): void {
    this.#state = 'writing';
    this.#handle.stop();
    clearTimeout(this.#idleTimer);
  }

  #resume(): void {
    if (!this.#isWriting()) return;
    this.#state = 'waiting';
    this.#handle.start({ readable: true, disconnect: true }, () => void this.#pump());
    if (this.#transform?.idle) this.#idleTimer = setTimeout(() => void this.#releaseHeld(), IDLE_MS);
  }

  #isWriting(): boolean {
    return this.#state === 'writing';
  }

  #finish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    clearTimeout(this.#idleTimer);
    this.#handle.close();
    this.#libc.close(this.#source);
    this.#finished();
  }
}

/** @param error only what is said to people is quoted */
export function withheld(error: unknown): string {
  return `output is withheld: ${error instanceof HaspError ? error.message : 'it could not be redacted'}`;
}

/** Both ends close themselves at exec. */
export function openPipe(libc: Libc): [number, number] {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) throw new Error(`pipe2 failed with errno ${libc.errno()}`);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** Undefined when all is written, else the errno's name. Waits where the descriptor is non-blocking. */
export async function writeAll(fd: number, bytes: Uint8Array): Promise<string | undefined> {
  for (let at = 0; at < bytes.length; ) {
    const outcome = await writeSome(fd, bytes, at);
    if (typeof outcome === 'number') at += outcome;
    else if (outcome === 'EAGAIN') await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    else if (outcome !== 'EINTR') return outcome;
  }
  return undefined;
}

function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number | string> {
  return new Promise((resolve) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => resolve(error ? (error.code ?? 'EIO') : written));
  });
}
