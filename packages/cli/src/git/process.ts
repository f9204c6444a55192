import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HaspError } from '@hasp/core';
import { OutputPipe } from '@hasp/process-tree';
import { damageIn, MEND } from './damage.ts';
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
  /** All that it prints, in pieces; a piece may be overwritten by the next one. @throws what `take` throws */
  each(take: (piece: Buffer) => void): Promise<void>;
  /**
   * Resolves, with the beginning of what it said on stderr, when it ended well and all it printed was read.
   * @throws HaspError E_STORAGE, E_SPAWN otherwise
   */
  readonly ended: Promise<string>;
  stop(): void;
}

/** As much is kept of what git says on stderr: there may be more. */
export const STDERR_KEPT = 4_096;

interface GitOptions {
  /** The output of another that nobody has read from: it goes from one to the other by descriptor. */
  readonly input?: GitProcess;
  /** It prints so much that it has to go quickly: `each` is for it, and `stdout` is not. */
  readonly printsMuch?: boolean;
}

/** Starts git, without a shell. */
export function startGit(
  place: GitPlace,
  argv: readonly string[],
  { input, printsMuch = false }: GitOptions = {},
): GitProcess {
  const pipe = printsMuch ? OutputPipe.open() : undefined;
  const start = (output: number | 'pipe') => spawnGit(place, argv, [input?.stdout ?? 'pipe', output, 'pipe']);
  const child = pipe === undefined ? start('pipe') : pipe.give(start);
  // Ours is not needed any more, and would keep the first one from seeing that the second has ended.
  input?.stdout.removeAllListeners('readable').destroy();
  // Once git has ended, Node throws away what nobody listens to: until somebody reads it, it is held so.
  child.stdout?.on('readable', () => {});
  const ended = endOf(child, argv[0] ?? '');
  // Whoever waits is told; until somebody does, it is no fault of the process.
  ended.catch(() => {});
  child.stdin?.on('error', () => {});
  const stdout = child.stdout as Readable;
  return {
    stdin: child.stdin as Writable,
    stdout,
    each: (take) => pipe?.each(take) ?? eachOf(stdout, take),
    ended,
    stop: () => void child.kill('SIGKILL'),
  };
}

function spawnGit(place: GitPlace, argv: readonly string[], stdio: StdioOptions): ChildProcess {
  return spawn('git', ['--no-pager', ...(place.asUser === true ? [] : SETTINGS), ...argv], {
    // Where Node could not write down where we are, it is still where we are.
    ...(place.cwd.includes('\ufffd') ? {} : { cwd: place.cwd }),
    env: place.asUser === true ? Object.fromEntries(place.environment) : gitEnvironment(place.environment),
    stdio,
  });
}

function eachOf(stdout: Readable, take: (piece: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.on('error', reject).on('end', resolve);
    // It printed nothing at all.
    if (stdout.readableEnded) resolve();
    stdout.removeAllListeners('readable').on('data', (piece: Buffer) => {
      try {
        take(piece);
      } catch (error) {
        stdout.removeAllListeners('data').resume();
        reject(error);
      }
    });
  });
}

function endOf(child: ChildProcess, deed: string): Promise<string> {
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
      if (status === 0) resolve(said);
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
    const damaged = damageIn(said);
    const what = damaged === undefined ? `git ${deed} ${how}` : `${damaged} is damaged (git ${deed} ${how})`;
    const hint = damaged === undefined ? 'see what git says: git fsck' : MEND;
    super('E_STORAGE', `${what}, so not everything was checked`, hint);
    this.status = status;
    this.said = said.trim();
  }
}

/** All that git prints, where it is little. @throws HaspError E_STORAGE, E_SPAWN */
export async function gitOutput(place: GitPlace, argv: readonly string[], input = ''): Promise<Buffer> {
  return (await gitAnswer(place, argv, input)).output;
}

/** With the beginning of what it said on stderr, though it ended well. @throws HaspError E_STORAGE, E_SPAWN */
export async function gitAnswer(
  place: GitPlace,
  argv: readonly string[],
  input = '',
): Promise<{ readonly output: Buffer; readonly said: string }> {
  const git = startGit(place, argv);
  const chunks: Buffer[] = [];
  const read = git.each((chunk) => chunks.push(chunk));
  git.stdin.end(input);
  const said = await git.ended;
  await read;
  return { output: Buffer.concat(chunks), said };
}
