import { read } from 'node:fs';
import { EAGAIN, EINTR, type EIO } from './errno.ts';
import type { Libc } from './libc.ts';

const RETRY_MS = 5;
const POLLIN = 1;
/** No signal and no other stream waits longer for it. */
const SOON_MS = 1;

/** Where a relay's bytes come from. */
export interface Source {
  /** Their number, 0 at the end; undefined where there are none yet; the errno's number where it failed. */
  read(memory: Uint8Array): number | undefined | { readonly errno: number };
  /** Waits a moment without a turn of the event loop, which costs as much as to look through 100 kB. @returns whether to read again */
  isReadySoon?(): boolean;
  /** Calls back once, when it is worth reading again. */
  watch(ready: () => void): void;
  unwatch(): void;
  close(): void;
}

/** A descriptor of our own that does not block. Takes it over. */
export class PolledSource implements Source {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #lastErrno: typeof EIO | undefined;
  readonly #handle: ReturnType<Libc['poll']>;
  /** A struct pollfd. */
  readonly #asked = Buffer.alloc(8);

  /** @param lastErrno what a pseudo-terminal says at its end */
  constructor(libc: Libc, fd: number, lastErrno?: typeof EIO) {
    this.#libc = libc;
    this.#fd = fd;
    this.#lastErrno = lastErrno;
    this.#handle = libc.poll(fd, { readable: true }, () => {});
    this.#handle.stop();
    this.#asked.writeInt32LE(fd, 0);
    this.#asked.writeInt16LE(POLLIN, 4);
  }

  isReadySoon(): boolean {
    return this.#libc.pollNow(this.#asked, 1, SOON_MS) > 0;
  }

  read(memory: Uint8Array): ReturnType<Source['read']> {
    const got = readNow(this.#libc, this.#fd, memory);
    return typeof got === 'object' && got.errno === this.#lastErrno ? 0 : got;
  }

  watch(ready: () => void): void {
    this.#handle.start({ readable: true, disconnect: true }, () => {
      this.#handle.stop();
      ready();
    });
  }

  unwatch(): void {
    this.#handle.stop();
  }

  close(): void {
    this.#handle.close();
    this.#libc.close(this.#fd);
  }
}

/** A descriptor of others that is a file: it never waits long. */
export class FileSource implements Source {
  readonly #libc: Libc;
  readonly #fd: number;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  read(memory: Uint8Array): ReturnType<Source['read']> {
    return readNow(this.#libc, this.#fd, memory);
  }

  watch(ready: () => void): void {
    setImmediate(ready);
  }

  unwatch(): void {}

  close(): void {}
}

function readNow(libc: Libc, fd: number, memory: Uint8Array): ReturnType<Source['read']> {
  for (;;) {
    const length = libc.read(fd, memory, memory.length);
    if (length >= 0) return length;
    const errno = libc.errno();
    if (errno === EAGAIN) return undefined;
    if (errno !== EINTR) return { errno };
  }
}

/** Any descriptor, read by the thread pool: it may block, and is left as it is. */
export class PooledSource implements Source {
  readonly #fd: number;
  readonly #memory: Buffer;
  #got: number | { readonly errno: number } | undefined;
  #isReading = false;
  #ready: (() => void) | undefined;

  constructor(fd: number, bytes: number) {
    this.#fd = fd;
    this.#memory = Buffer.allocUnsafeSlow(bytes);
  }

  read(memory: Uint8Array): ReturnType<Source['read']> {
    const got = this.#got;
    this.#got = undefined;
    if (typeof got === 'number') memory.set(this.#memory.subarray(0, got));
    return got;
  }

  watch(ready: () => void): void {
    this.#ready = ready;
    if (this.#got !== undefined) this.#tell();
    else if (!this.#isReading) this.#fetch();
  }

  unwatch(): void {
    this.#ready = undefined;
  }

  close(): void {
    this.unwatch();
  }

  #fetch(): void {
    this.#isReading = true;
    read(this.#fd, this.#memory, 0, this.#memory.length, null, (error, length) => {
      if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
        setTimeout(() => this.#fetch(), RETRY_MS);
        return;
      }
      this.#isReading = false;
      this.#got = error ? { errno: Math.abs(error.errno ?? 0) } : length;
      this.#tell();
    });
  }

  #tell(): void {
    const ready = this.#ready;
    this.#ready = undefined;
    ready?.();
  }
}
