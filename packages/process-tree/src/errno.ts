import { constants } from 'node:os';

export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;

/** Node's own table lacks some that exec gives, ENOEXEC among them. */
export function errorName(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `E${errno}`;
}
