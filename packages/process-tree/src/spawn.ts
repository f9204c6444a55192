import { closeSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { errorName } from './errno.ts';
import { signalNumber } from './exit-status.ts';
import type { Inherited } from './inherited.ts';
import type { Libc } from './libc.ts';
import { SpawnFailure } from './spawn-failure.ts';
import type { ChildStdio } from './stdio.ts';

export interface SpawnRequest {
  readonly path: string;
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string | Uint8Array>;
  readonly inherited: Inherited;
  readonly stdio: ChildStdio['childEnds'];
}

const F_SETFD = 2;
const SIG_IGN = 1;
const RLIMIT_NOFILE = 7;
const CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST_DESCRIPTOR = 0x7fff_ffff;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const O_RDWR = 2;
const UNSETTABLE = [constants.signals.SIGKILL, constants.signals.SIGSTOP];
const LAST_SIGNAL = 64;
/** Larger than posix_spawnattr_t (336) and posix_spawn_file_actions_t (80) of glibc and musl. */
const OPAQUE_BYTES = 1024;
const SIGSET_BYTES = 128;

/**
 * Starts a program by posix_spawn(3), because Node's own spawn resets ignored signals, closes
 * descriptors and takes the environment as strings only. Bytes given in `environment` are copied
 * into one arena that is wiped before this returns. @throws SpawnFailure
 */
export function spawnProcess(libc: Libc, request: SpawnRequest): number {
  restoreInheritance(libc, request.inherited);
  const environment = arena(
    libc,
    [...request.environment].map(([name, value]) => [`${name}=`, value]),
  );
  const attributes = Buffer.alloc(OPAQUE_BYTES);
  const actions = Buffer.alloc(OPAQUE_BYTES);
  libc.attributesInit(attributes);
  libc.actionsInit(actions);
  try {
    const ownSession = request.stdio.some((end) => typeof end === 'string') ? POSIX_SPAWN_SETSID : 0;
    libc.attributesFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | ownSession);
    libc.attributesDefaults(attributes, defaultSignals(request.inherited.ignoredSignals));
    libc.attributesMask(attributes, signalSet(new Set(request.inherited.blockedSignals.map(signalNumber))));
    for (const [target, source] of request.stdio.entries()) {
      // The first terminal that the leader of a session opens is its controlling one.
      if (typeof source === 'string') libc.actionsOpen(actions, target, cString(source), O_RDWR, 0);
      else if (source !== undefined) libc.actionsDup2(actions, source, target);
      else if (request.inherited.closedStdio.includes(target)) libc.actionsClose(actions, target);
    }
    const exec = (path: string, argv: readonly string[]): number | string => {
      const words = arena(
        libc,
        argv.map((word) => [word]),
      );
      const pid = new Int32Array(1);
      const failure = libc.posixSpawn(pid, cString(path), actions, attributes, words.pointers, environment.pointers);
      words.bytes.fill(0); // Also keeps the block from being collected before the call.
      return failure === 0 ? (pid[0] ?? 0) : errorName(failure);
    };
    let outcome = exec(request.path, request.argv);
    // A script without "#!": what execvp(3) does, but as a shell does it, for text only.
    if (outcome === 'ENOEXEC' && isText(request.path))
      outcome = exec('/bin/sh', ['/bin/sh', request.path, ...request.argv.slice(1)]);
    if (typeof outcome === 'string') throw new SpawnFailure(outcome);
    return outcome;
  } finally {
    environment.bytes.fill(0);
    libc.actionsDestroy(actions);
    libc.attributesDestroy(attributes);
  }
}

/** Everything but what the child is to inherit closes at exec (close_range(2), Linux 5.11 and later). */
function closeAllAtExec(libc: Libc): void {
  libc.syscall(CLOSE_RANGE, 3, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC, 0);
}

/** Node raised the soft descriptor limit, reset ignored signals and marked descriptors (0 to 15) close-on-exec. */
function restoreInheritance(libc: Libc, inherited: Inherited): void {
  for (const name of inherited.ignoredSignals) {
    // An ignored SIGCHLD would take the child's exit status from us.
    if (name !== 'SIGCHLD') libc.signal(signalNumber(name), SIG_IGN);
  }
  closeAllAtExec(libc);
  for (const fd of [0, 1, 2, ...inherited.descriptors]) libc.fcntl(fd, F_SETFD, 0);
  if (inherited.softNofile !== undefined) {
    const limits = new BigUint64Array(2);
    if (libc.getrlimit(RLIMIT_NOFILE, limits) === 0) {
      limits[0] = BigInt(inherited.softNofile);
      libc.setrlimit(RLIMIT_NOFILE, limits);
    }
  }
}

/**
 * What the child is to take in the default way: all but the ignored. 32 and 33 are among them: glibc
 * uses them itself and would start the child with them ignored.
 */
function defaultSignals(ignored: readonly string[]): Uint8Array {
  const kept = new Set(ignored.filter((name) => name !== 'SIGCHLD').map(signalNumber));
  const all = Array.from({ length: LAST_SIGNAL }, (_, index) => index + 1);
  return signalSet(new Set(all.filter((signal) => !kept.has(signal) && !UNSETTABLE.includes(signal))));
}

/** A sigset_t: bit 0 is signal 1. */
function signalSet(signals: ReadonlySet<number>): Uint8Array {
  const set = Buffer.alloc(SIGSET_BYTES);
  for (const signal of signals) {
    const byte = (signal - 1) >> 3;
    set[byte] = (set[byte] ?? 0) | (1 << ((signal - 1) & 7));
  }
  return set;
}

interface Arena {
  readonly bytes: Buffer;
  /** A null-terminated array of pointers into `bytes`. */
  readonly pointers: BigUint64Array;
}

/** NUL-terminated strings, each the concatenation of its parts, in one block of memory. */
function arena(libc: Libc, strings: readonly (readonly (string | Uint8Array)[])[]): Arena {
  let size = 0;
  for (const parts of strings)
    for (const part of parts) size += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  const bytes = Buffer.alloc(size + strings.length + 1);
  const base = libc.address(bytes);
  const pointers = new BigUint64Array(strings.length + 1);
  let at = 0;
  for (const [index, parts] of strings.entries()) {
    pointers[index] = base + BigInt(at);
    for (const part of parts) {
      if (typeof part === 'string') at += bytes.write(part, at);
      else {
        bytes.set(part, at);
        at += part.length;
      }
    }
    at += 1;
  }
  return { bytes, pointers };
}

/** As bash decides: no program's magic number, and no NUL in the first line. */
function isText(path: string): boolean {
  const start = Buffer.alloc(256);
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = start.subarray(0, readSync(file, start)).toString('latin1');
    return !head.startsWith('\x7fELF') && !(head.split('\n')[0] ?? '').includes('\0');
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}
