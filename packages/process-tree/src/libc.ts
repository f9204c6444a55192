import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

type Word = number | bigint;
type Memory = Uint8Array | Int32Array | BigUint64Array;

interface PollHandle {
  start(
    events: { readable?: boolean; writable?: boolean; disconnect?: boolean },
    callback: (status: number) => void,
  ): void;
  stop(): void;
  close(): void;
  ref(): void;
}

/** The part of koffi that is used, typed without `any`. Every call is synchronous and on the main thread. */
interface Koffi {
  load(path: string | null): { func(name: string, result: string, parameters: readonly string[]): unknown };
  errno(): number;
  address(memory: Memory): bigint;
  readonly node: {
    poll(
      fd: number,
      events: { readable?: boolean; writable?: boolean; disconnect?: boolean },
      callback: (status: number) => void,
    ): PollHandle;
  };
}

/** The C library. Functions return what C returns; `errno()` is the value of the last failed call. */
export interface Libc {
  errno(): number;
  address(memory: Memory): bigint;
  /** Watches a descriptor with the event loop; `stop` pauses, `start` resumes. Keeps the loop alive. */
  poll(
    fd: number,
    events: { readable?: boolean; writable?: boolean; disconnect?: boolean },
    ready: () => void,
  ): PollHandle;
  prctl(option: number, value: number): number;
  waitid(kind: number, id: number, info: Uint8Array, options: number): number;
  waitpid(pid: number, status: Int32Array | null, options: number): number;
  pipe2(ends: Int32Array, flags: number): number;
  fcntl(fd: number, command: number, value: number): number;
  dup2(from: number, to: number): number;
  close(fd: number): number;
  socket(domain: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  /** poll(2) itself, on an array of struct pollfd. */
  pollNow(descriptors: Uint8Array, count: number, timeoutMs: number): number;
  read(fd: number, memory: Uint8Array, length: number): number;
  write(fd: number, memory: Uint8Array, length: number): number;
  send(fd: number, memory: Uint8Array, length: number, flags: number): number;
  signal(number: number, disposition: number): number;
  kill(pid: number, signal: number): number;
  syscall(number: number, a: number, b: number, c: number, d: number): number;
  ioctl(fd: number, request: number, memory: Uint8Array): number;
  tcgetattr(fd: number, modes: Uint8Array): number;
  tcsetattr(fd: number, when: number, modes: Uint8Array): number;
  getrlimit(resource: number, limits: BigUint64Array): number;
  setrlimit(resource: number, limits: BigUint64Array): number;
  posixSpawn(
    pid: Int32Array,
    path: Uint8Array,
    actions: Uint8Array,
    attributes: Uint8Array,
    argv: BigUint64Array,
    envp: BigUint64Array,
  ): number;
  actionsInit(actions: Uint8Array): number;
  actionsDestroy(actions: Uint8Array): number;
  actionsDup2(actions: Uint8Array, from: number, to: number): number;
  actionsClose(actions: Uint8Array, fd: number): number;
  actionsOpen(actions: Uint8Array, fd: number, path: Uint8Array, flags: number, mode: number): number;
  attributesInit(attributes: Uint8Array): number;
  attributesDestroy(attributes: Uint8Array): number;
  attributesFlags(attributes: Uint8Array, flags: number): number;
  attributesDefaults(attributes: Uint8Array, signals: Uint8Array): number;
  attributesMask(attributes: Uint8Array, signals: Uint8Array): number;
  exit(status: number): void;
}

const SIGNATURES: {
  readonly [name in Exclude<keyof Libc, 'errno' | 'address' | 'poll'>]: readonly [string, string, ...string[]];
} = {
  prctl: ['prctl', 'int', 'int', 'ulong', 'ulong', 'ulong', 'ulong'],
  waitid: ['waitid', 'int', 'int', 'int', 'void *', 'int'],
  waitpid: ['waitpid', 'int', 'int', 'void *', 'int'],
  pipe2: ['pipe2', 'int', 'void *', 'int'],
  fcntl: ['fcntl', 'int', 'int', 'int', 'long'],
  dup2: ['dup2', 'int', 'int', 'int'],
  close: ['close', 'int', 'int'],
  socket: ['socket', 'int', 'int', 'int', 'int'],
  connect: ['connect', 'int', 'int', 'void *', 'uint'],
  getsockopt: ['getsockopt', 'int', 'int', 'int', 'int', 'void *', 'void *'],
  pollNow: ['poll', 'int', 'void *', 'ulong', 'int'],
  read: ['read', 'long', 'int', 'void *', 'size_t'],
  write: ['write', 'long', 'int', 'void *', 'size_t'],
  send: ['send', 'long', 'int', 'void *', 'size_t', 'int'],
  signal: ['signal', 'intptr_t', 'int', 'intptr_t'],
  kill: ['kill', 'int', 'int', 'int'],
  syscall: ['syscall', 'long', 'long', 'long', 'long', 'long', 'long'],
  ioctl: ['ioctl', 'int', 'int', 'ulong', 'void *'],
  tcgetattr: ['tcgetattr', 'int', 'int', 'void *'],
  tcsetattr: ['tcsetattr', 'int', 'int', 'int', 'void *'],
  getrlimit: ['getrlimit', 'int', 'int', 'void *'],
  setrlimit: ['setrlimit', 'int', 'int', 'void *'],
  posixSpawn: ['posix_spawn', 'int', 'void *', 'void *', 'void *', 'void *', 'void *', 'void *'],
  actionsInit: ['posix_spawn_file_actions_init', 'int', 'void *'],
  actionsDestroy: ['posix_spawn_file_actions_destroy', 'int', 'void *'],
  actionsDup2: ['posix_spawn_file_actions_adddup2', 'int', 'void *', 'int', 'int'],
  actionsClose: ['posix_spawn_file_actions_addclose', 'int', 'void *', 'int'],
  actionsOpen: ['posix_spawn_file_actions_addopen', 'int', 'void *', 'int', 'void *', 'int', 'uint'],
  attributesInit: ['posix_spawnattr_init', 'int', 'void *'],
  attributesDestroy: ['posix_spawnattr_destroy', 'int', 'void *'],
  attributesFlags: ['posix_spawnattr_setflags', 'int', 'void *', 'short'],
  attributesDefaults: ['posix_spawnattr_setsigdefault', 'int', 'void *', 'void *'],
  attributesMask: ['posix_spawnattr_setsigmask', 'int', 'void *', 'void *'],
  exit: ['_exit', 'void', 'int'],
};

/** 64-bit Linux: the siginfo_t, rlimit and pointer layouts used here are the same on all of these. */
const ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64'];

let loaded: Libc | undefined | null = null;

/**
 * The C library through koffi, or undefined where koffi is missing or the platform has other layouts.
 * One load a process: the answer can't change, so it is remembered.
 */
export function loadLibc(): Libc | undefined {
  if (loaded === null) loaded = openLibc();
  return loaded;
}

function openLibc(): Libc | undefined {
  if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch)) return undefined;
  const koffi = openKoffi();
  if (typeof koffi?.node?.poll !== 'function') return undefined;
  const library = koffi.load(null);
  const bound: Record<string, unknown> = {
    errno: () => koffi.errno(),
    address: (memory: Memory) => koffi.address(memory),
    poll: (fd: number, events: { readable?: boolean; writable?: boolean; disconnect?: boolean }, ready: () => void) => {
      const handle = koffi.node.poll(fd, events, ready);
      handle.ref();
      return handle;
    },
  };
  for (const [name, [symbol, result, ...parameters]] of Object.entries(SIGNATURES)) {
    // Bound at first use: a run needs about half of them.
    bound[name] = (...values: unknown[]) => {
      const call = library.func(symbol, result, parameters) as (...values: unknown[]) => unknown;
      bound[name] = call;
      return call(...values);
    };
  }
  // prctl is variadic with five words; the last three must be zero.
  const prctl = library.func('prctl', 'int', SIGNATURES.prctl.slice(2)) as (...values: Word[]) => number;
  bound['prctl'] = (option: number, value: number) => prctl(option, value, 0, 0, 0);
  return bound as unknown as Libc;
}

/** koffi's binary by absolute path costs 1 ms, `require('koffi')` 8 ms: the same functions. */
export function openKoffi(): Koffi | undefined {
  for (const folder of koffiFolders()) {
    for (const build of [`${process.platform}_${process.arch}`, `musl_${process.arch}`]) {
      const path = join(folder, build, 'koffi.node');
      if (!existsSync(path)) continue;
      try {
        const module = { exports: {} };
        process.dlopen(module, path, constants.dlopen.RTLD_NOW);
        return module.exports as Koffi;
      } catch {
        // The other C library's build: try the next.
      }
    }
  }
  return undefined;
}

function* koffiFolders(): Generator<string> {
  const name = join('@koromix', `koffi-${process.platform}-${process.arch}`);
  for (let folder = dirname(__filename); ; folder = dirname(folder)) {
    yield join(folder, 'node_modules', name);
    const koffi = join(folder, 'node_modules', 'koffi');
    if (existsSync(koffi)) {
      yield join(koffi, 'node_modules', name);
      yield join(dirname(realpathSync(koffi)), name);
    }
    if (folder === dirname(folder)) return;
  }
}
