import { closeSync, constants, fstatSync, openSync, type Stats, write } from 'node:fs';
import { EAGAIN, EINTR, errorName } from './errno.ts';
import type { Libc } from './libc.ts';
import { widen } from './pipe.ts';

const RETRY_MS = 5;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** The major number of /dev/null, /dev/zero and the like: they never block. */
const MEMORY_DEVICES = 1;

/**
 * One of our descriptors, on its way out. It is shared with others, so it stays blocking: what it takes at once
 * is written at once, through a way of our own that does not wait, and the thread pool waits with the rest.
 */
export class Sink {
  readonly #fd: number;
  readonly #writeNow: ((bytes: Uint8Array) => number) | undefined;
  readonly #errno: () => number;
  readonly #own: number | undefined;

  /** @param libc without it everything goes through the thread pool */
  constructor(libc: Libc | undefined, fd: number) {
    this.#fd = fd;
    this.#errno = () => libc?.errno() ?? 0;
    const status = statusOf(fd);
    if (!libc || !status) return;
    if (status.isFile() || (status.isCharacterDevice() && major(status) === MEMORY_DEVICES)) {
      this.#writeNow = (bytes) => libc.write(fd, bytes, bytes.length);
    } else if (status.isSocket()) {
      this.#writeNow = (bytes) => libc.send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (status.isFIFO()) {
      const own = reopen(fd);
      this.#own = own;
      if (own !== undefined) {
        widen(libc, own);
        this.#writeNow = (bytes) => libc.write(own, bytes, bytes.length);
      }
    }
  }

  /** Undefined when all is written, the errno's name where it could not be; a promise of these where somebody is slow. */
  write(bytes: Uint8Array): string | undefined | Promise<string | undefined> {
    let rest = bytes;
    while (this.#writeNow && rest.length > 0) {
      const written = this.#writeNow(rest);
      if (written >= 0) {
        rest = rest.subarray(written);
        continue;
      }
      const errno = this.#errno();
      if (errno === EINTR) continue;
      if (errno !== EAGAIN) return errorName(errno);
      break;
    }
    return rest.length === 0 ? undefined : writeAll(this.#fd, rest);
  }

  close(): void {
    if (this.#own !== undefined) closeSync(this.#own);
  }
}

function statusOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

function major({ rdev }: Stats): number {
  return (rdev >> 8) & 0xfff;
}

/** The same pipe as an open file of our own, whose flags are nobody else's; undefined where we may not (another user's). */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
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
