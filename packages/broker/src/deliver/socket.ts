import path from 'node:path';
import { HaspError } from '@hasp/core';

/** sun_path of unix(7) holds 108 bytes, one of them for the NUL. */
const MAX_SOCKET_BYTES = 107;

/** Where a run is asked. @throws HaspError E_STORAGE where the system has no room for such a path */
export function socketIn(folder: string): string {
  const socket = path.join(folder, 'ask');
  if (Buffer.byteLength(socket) <= MAX_SOCKET_BYTES) return socket;
  throw new HaspError(
    'E_STORAGE',
    `the path of the run's socket is longer than ${MAX_SOCKET_BYTES} bytes`,
    'there is no tmpfs at /dev/shm, so it lies in the home: choose a shorter HASP_HOME',
  );
}
