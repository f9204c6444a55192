import type { Libc } from './libc.ts';

const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
/** Four times the usual: more does not stay in a processor's cache on its way. */
const PIPE_BYTES = 262_144;

/** Both ends close themselves at exec. */
export function openPipe(libc: Libc): [ours: number, theirs: number] {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) throw new Error(`pipe2: errno ${libc.errno()}`);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** For what somebody else writes and we read: a real pipe, since a child may open /dev/stdout, which fails on Node's socket pairs. */
export function openWidePipe(libc: Libc): [ours: number, theirs: number] {
  const [ours, theirs] = openPipe(libc);
  // Only our end: the flag belongs to the open file, and each end is one of its own.
  libc.fcntl(ours, F_SETFL, O_NONBLOCK);
  widen(libc, ours);
  return [ours, theirs];
}

/** Room for more, so that writer and reader wait less for each other. A user with many pipes may be refused: then it stays as it is. */
export function widen(libc: Libc, fd: number): void {
  if (libc.fcntl(fd, F_GETPIPE_SZ, 0) < PIPE_BYTES) libc.fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}
