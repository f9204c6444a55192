import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HaspError } from '@hasp/core';
import { gitEnvironment, SETTINGS } from './environment.ts';

/** Where git is run, and with what environment. */
export interface GitPlace {
  readonly cwd: string;
  readonly environment: ReadonlyMap<string, string>;
  /** With all that the person set for git: to ask what git would do, not to read what it holds. */
  readonly asUser?: boolean;
}

/** A git that runs. */
export interface GitProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when it ended well and all it printed was read. @throws HaspError E_STORAGE, E_SPAWN otherwise */
  readonly ended: Promise<void>;
  stop(): void;
}

const STDERR_KEPT = 4_096;

/**
 * Starts git, without a shell. `input`, where given, is the output of another that nobody has read from:
 * it goes from one to the other by descriptor.
 */
export function startGit(place: GitPlace, argv: readonly string[], input?: GitProcess): GitProcess {
  const child = spawn('git', ['--no-pager', ...(place.asUser === true ? [] : SETTINGS), ...argv], {
    // Where Node could not write down where we are, it is still where we are.
    ...(place.cwd.includes('\ufffd') ? {} : { cwd: place.cwd }),
    env: place.asUser === true ? Object.fromEntries(place.environment) : gitEnvironment(place.environment),
    stdio: [input === undefined ? 'pipe' : input.stdout, 'pipe', 'pipe'],
  });
  // Ours is not needed any more, and would keep the first one from seeing that the second has ended.
  input?.stdout.removeAllListeners('readable').destroy();
  // Once git has ended, Node throws away what nobody listens to: until somebody reads it, it is held so.
  child.stdout?.on('readable', () => {});
  const ended = endOf(child, argv[0] ?? '');
  // Whoever waits is told; until somebody does, it is no fault of the process.
  ended.catch(() => {});
  child.stdin?.on('error', () => {});
  return {
    stdin: child.stdin as Writable,
    stdout: child.stdout as Readable,
    ended,
    stop: () => void child.kill('SIGKILL'),
  };
}

function endOf(child: ChildProcess, deed: string): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < STDERR_KEPT) said += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no git in PATH' : `git could not be started (${error.code})`;
      reject(new HaspError('E_SPAWN', `${why}, so nothing was checked`, 'see that git runs: git --version'));
    });
    child.on('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(new GitFailure(deed, status ?? signal ?? 'unknown', said));
    });
  });
}

/** git did not do what it was asked, so nothing is known to be clean. */
export class GitFailure extends HaspError {
  readonly status: number | string;
  /** What git printed. It may quote a path, and so a value: to be masked before it is shown. */
  readonly said: string;

  constructor(deed: string, status: number | string, said: string) {
    const how = typeof status === 'number' ? `failed with status ${status}` : `was killed by ${status}`;
    super('E_STORAGE', `git ${deed} ${how}, so not everything was checked`, 'see what git says: git fsck');
    this.status = status;
    this.said = said.trim();
  }
}

/** Begins to read what git prints. */
export function readOutput({ stdout }: GitProcess, take: (chunk: Buffer) => void): void {
  stdout.removeAllListeners('readable').on('data', take);
}

/** All that git prints, where it is little. @throws HaspError E_STORAGE, E_SPAWN */
export async function gitOutput(place: GitPlace, argv: readonly string[], input = ''): Promise<Buffer> {
  const git = startGit(place, argv);
  const chunks: Buffer[] = [];
  readOutput(git, (chunk) => chunks.push(chunk));
  git.stdin.end(input);
  await git.ended;
  return Buffer.concat(chunks);
}
