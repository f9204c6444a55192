import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import { hasProc } from './proc.ts';

/** sun_path of unix(7) holds 108 bytes, one of them for the NUL. */
const MAX_SOCKET_BYTES = 107;

/** A path that a socket address has room for; good until `close`. `path` is undefined where there is none. */
export interface SocketPath {
  readonly path: string | undefined;
  close(): void;
}

/** A path that is too long leads through a descriptor of its folder (proc_pid_fd(5)). */
export function shortSocketPath(socket: string): SocketPath {
  if (Buffer.byteLength(socket) <= MAX_SOCKET_BYTES) return { path: socket, close: () => {} };
  if (!hasProc()) return { path: undefined, close: () => {} };
  try {
    const folder = openSync(path.dirname(socket), constants.O_RDONLY | constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${folder}/${path.basename(socket)}`, close: () => closeSync(folder) };
  } catch {
    return { path: undefined, close: () => {} };
  }
}
