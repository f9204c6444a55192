import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { loadLibc } from './libc.ts';

/** A process of its own session, with nothing of ours but what it is told on descriptor 3. */
export interface Detached {
  readonly pid: number;
  /** Its descriptor 3, which it reads to the end. */
  readonly told: Writable;
  /** All that it writes on descriptor 4, once it has closed it. */
  readonly answer: Promise<Buffer>;
}

const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * Does not keep this process alive.
 * @param inherited what was open when we were started: Node lets those beyond a few pass on to every child
 * @throws Error where it can't be started
 */
export function startDetached(
  program: string,
  argv: readonly string[],
  environment: Record<string, string>,
  inherited: readonly number[],
): Detached {
  const libc = loadLibc();
  // Some may have been closed since, and their numbers be another's.
  const passedOn = inherited.filter((descriptor) => libc?.fcntl(descriptor, F_GETFD, 0) === 0);
  const closeAtExec = (flag: number) => {
    for (const descriptor of passedOn) libc?.fcntl(descriptor, F_SETFD, flag);
  };
  closeAtExec(FD_CLOEXEC);
  const child: ChildProcess = spawn(program, argv, {
    cwd: '/',
    detached: true,
    env: environment,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  closeAtExec(0);
  child.unref();
  const [told, answers] = [child.stdio[3] as Writable, child.stdio[4]];
  // It may be gone before it has read: then there is no answer.
  told.on('error', () => {});
  const answer = new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    answers?.on('data', (chunk: Buffer) => chunks.push(chunk));
    answers?.on('error', () => {});
    answers?.on('close', () => resolve(Buffer.concat(chunks)));
    child.on('error', () => resolve(Buffer.alloc(0)));
  });
  return { pid: child.pid ?? 0, told, answer };
}
