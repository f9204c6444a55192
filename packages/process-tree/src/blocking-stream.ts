import { EINTR } from './errno.ts';
import { type Libc, loadLibc } from './libc.ts';
import { connectUnix } from './unix-stream.ts';

const MSG_NOSIGNAL = 0x4000;
const POLLIN = 1;
/** Who does not answer for so long is stuck. */
const PATIENCE_MS = 60_000;

/** A connection to a unix socket for whoever can't go on without the answer: nothing else happens meanwhile. */
export class BlockingStream {
  readonly #libc: Libc;
  readonly #fd: number;

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Undefined where nobody listens, or there is no C library. */
  static open(path: string): BlockingStream | undefined {
    const libc = loadLibc();
    const fd = libc && connectUnix(libc, path);
    return libc === undefined || typeof fd !== 'number' ? undefined : new BlockingStream(libc, fd);
  }

  /** False where the peer is gone. */
  write(bytes: Uint8Array): boolean {
    for (let rest = bytes; rest.length > 0; ) {
      const sent = this.#libc.send(this.#fd, rest, rest.length, MSG_NOSIGNAL);
      if (sent >= 0) rest = rest.subarray(sent);
      else if (this.#libc.errno() !== EINTR) return false;
    }
    return true;
  }

  /** At least one byte; 0 where the peer is gone or stuck. */
  read(memory: Uint8Array): number {
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(this.#fd, 0);
    asked.writeInt16LE(POLLIN, 4);
    for (;;) {
      const ready = this.#libc.pollNow(asked, 1, PATIENCE_MS);
      if (ready < 0 && this.#libc.errno() === EINTR) continue;
      if (ready <= 0) return 0;
      const length = this.#libc.read(this.#fd, memory, memory.length);
      if (length >= 0 || this.#libc.errno() !== EINTR) return Math.max(0, length);
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}
