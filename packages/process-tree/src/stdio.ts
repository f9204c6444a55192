import { closeSync, fstatSync, openSync, write } from 'node:fs';
import type { Libc } from './libc.ts';
import { CHUNK_BYTES, openPipe, Relay } from './relay.ts';
import { Sink } from './sink.ts';
import { PolledSource } from './source.ts';
import type { TreeSpec } from './tree-spec.ts';

const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const O_NONBLOCK = 0o4000;

export interface ChildStdio {
  /** What the child gets as 0, 1 and 2; undefined: what this process has there. */
  readonly childEnds: readonly [number | undefined, number | undefined, number | undefined];
  /** Lets go of everything that only the child should hold. */
  afterSpawn(): void;
  /** Writes what the redacted streams still hold. */
  drain(): Promise<void>;
  /** Some of it could not be written: a full disk, for example. */
  hasLost(): boolean;
  /** The spawn failed. */
  abandon(): Promise<void>;
}

/** Pipes for the streams that are not inherited. */
export function openStdio(libc: Libc, spec: TreeSpec): ChildStdio {
  const input = spec.stdin === 'inherit' ? undefined : openPipe(libc);
  const relays: Relay[] = [];
  const childEnds: number[] = [];
  const relay = (target: number, stream: TreeSpec['stdout']): number | undefined => {
    if (stream === 'inherit') return undefined;
    // A real pipe: a child may open /dev/stdout, which fails on Node's socket pairs.
    const [ours, childEnd] = openPipe(libc);
    // Only our end: the flag belongs to the open file, and each end is one of its own.
    libc.fcntl(ours, F_SETFL, O_NONBLOCK);
    // A user with many pipes may be refused: then it stays as it is.
    libc.fcntl(ours, F_SETPIPE_SZ, CHUNK_BYTES);
    relays.push(new Relay(new PolledSource(libc, ours), new Sink(libc, target), stream, spec.onWarning));
    childEnds.push(childEnd);
    return childEnd;
  };
  const output = relay(1, spec.stdout);
  // Where both lead to the same open file, one pipe keeps the order of what is written to it.
  const shared = output !== undefined && spec.stderr !== 'inherit' && sameFile(1, 2);
  const errors = shared ? output : relay(2, spec.stderr);
  const close = (): void => {
    if (input) closeSync(input[0]);
    for (const childEnd of childEnds) closeSync(childEnd);
  };
  const drain = async (): Promise<void> => {
    await Promise.all(relays.map((one) => one.drain()));
  };
  return {
    childEnds: [input?.[0], output, errors],
    afterSpawn: () => {
      close();
      letGo(libc, spec);
      if (input && spec.stdin !== 'inherit') feed(input[1], spec.stdin);
    },
    drain,
    hasLost: () => relays.some((one) => one.hasLost),
    abandon: async () => {
      close();
      if (input) closeSync(input[1]);
      await drain();
    },
  };
}

/**
 * The child closes a stream or descriptor: whoever is at its other end must see that, so this
 * process may not keep a copy. stderr stays for hasp's own lines, 0 and 1 become /dev/null.
 */
function letGo(libc: Libc, spec: TreeSpec): void {
  const nowhere = openSync('/dev/null', 'r+');
  if (spec.stdin === 'inherit') libc.dup2(nowhere, 0);
  if (spec.stdout === 'inherit') libc.dup2(nowhere, 1);
  closeSync(nowhere);
  for (const fd of spec.inherited.descriptors) libc.close(fd);
}

/** Writes in the background; the pipe ends after the bytes, or when its reader has gone. */
function feed(fd: number, bytes: Uint8Array): void {
  const rest = Buffer.from(bytes);
  const step = (at: number): void => {
    write(fd, rest, at, rest.length - at, null, (error, written) => {
      if (!error && at + written < rest.length) return step(at + written);
      rest.fill(0);
      closeSync(fd);
    });
  };
  step(0);
}

function sameFile(a: number, b: number): boolean {
  try {
    const [left, right] = [fstatSync(a), fstatSync(b)];
    return left.dev === right.dev && left.ino === right.ino;
  } catch {
    return false;
  }
}
