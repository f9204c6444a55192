import { EAGAIN, EINTR, errorName } from './errno.ts';
import { type Libc, loadLibc } from './libc.ts';
import { shortSocketPath } from './socket-path.ts';

/** bits/socket.h; the same on x64, arm64, riscv64 and loong64. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;
/** sockaddr_un: the family in two bytes, then the path with its NUL. */
const ADDRESS_BYTES = 110;
const CHUNK_BYTES = 65_536;
/** A peer that takes nothing for so long is stuck. */
const PATIENCE_MS = 10_000;

/**
 * A connection to a unix socket through the C library: node:net costs a start as much as the rest of it.
 * What is written is with the kernel when `write` returns.
 */
export class UnixStream {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #memory = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #handle: ReturnType<Libc['poll']>;
  #closed = false;

  private constructor(libc: Libc, fd: number, received: (chunk: Buffer) => void, ended: () => void) {
    this.#libc = libc;
    this.#fd = fd;
    this.#handle = libc.poll(fd, { readable: true }, () => this.#read(received, ended));
  }

  /**
   * @param received gets memory that is used again
   * @returns the errno's name where nobody listens there, undefined where there is no C library
   */
  static open(path: string, received: (chunk: Buffer) => void, ended: () => void): UnixStream | string | undefined {
    const libc = loadLibc();
    if (!libc) return undefined;
    const fd = connectUnix(libc, path);
    return typeof fd === 'string' ? fd : new UnixStream(libc, fd, received, ended);
  }

  /** False where the peer is gone or stuck. */
  write(bytes: Uint8Array): boolean {
    for (let rest = bytes; rest.length > 0 && !this.#closed; ) {
      const sent = this.#libc.send(this.#fd, rest, rest.length, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent >= 0) {
        rest = rest.subarray(sent);
        continue;
      }
      const errno = this.#libc.errno();
      if (errno === EINTR || (errno === EAGAIN && this.#isWritable())) continue;
      return false;
    }
    return !this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
    this.#libc.close(this.#fd);
    this.#memory.fill(0);
  }

  #isWritable(): boolean {
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(this.#fd, 0);
    asked.writeInt16LE(POLLOUT, 4);
    return this.#libc.pollNow(asked, 1, PATIENCE_MS) > 0;
  }

  #read(received: (chunk: Buffer) => void, ended: () => void): void {
    if (this.#closed) return;
    const length = this.#libc.read(this.#fd, this.#memory, this.#memory.length);
    if (length > 0) {
      received(this.#memory.subarray(0, length));
      return;
    }
    if (length < 0 && [EAGAIN, EINTR].includes(this.#libc.errno())) return;
    this.close();
    ended();
  }
}

/** The descriptor, which closes itself at exec; the errno's name where nobody listens there. */
export function connectUnix(libc: Libc, path: string): number | string {
  const short = shortSocketPath(path);
  if (short.path === undefined) return 'ENAMETOOLONG';
  try {
    const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errorName(libc.errno());
    const address = Buffer.alloc(ADDRESS_BYTES);
    address.writeUInt16LE(AF_UNIX, 0);
    const length = 2 + address.write(short.path, 2) + 1;
    if (libc.connect(fd, address, length) === 0) return fd;
    const problem = errorName(libc.errno());
    libc.close(fd);
    return problem;
  } finally {
    short.close();
  }
}
