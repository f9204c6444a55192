import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { fileURLToPath } from 'node:url';
import { HASP, type Outcome, type Running, type Sandbox, until } from './sandbox.ts';

const PTY = fileURLToPath(new URL('pty.py', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('../programs', import.meta.url));
const PATIENCE_MS = 20_000;
const PROMPT = /\[(\d+)\]> /;

/** Keys as a terminal sends them. */
export const CTRL_C = '\x03';
export const CTRL_Z = '\x1a';
export const CTRL_BACKSLASH = '\x1c';

/** Compiles test/programs/NAME.c into the sandbox's working folder. @returns its path */
export function compileIn(sandbox: Sandbox, name: string): string {
  const binary = path.join(sandbox.cwd, name);
  execFileSync('cc', ['-O1', '-w', '-o', binary, path.join(PROGRAMS, `${name}.c`)]);
  return binary;
}

/** The fields of /proc/PID/stat from the state on; undefined where there is no such process. */
export function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Resolves when the terminal is the process's: its keys reach it from now on. */
export async function inForeground(pid: number): Promise<void> {
  await until('it has the terminal', () => {
    const fields = statOf(pid);
    return fields !== undefined && fields[2] === fields[5];
  });
}

/** An interactive bash with job control on a pseudo-terminal, and the person in front of it. */
export class Shell {
  readonly #running: Running;
  #screen = '';
  /** What comes before this was waited for already. */
  #seen = 0;
  readonly #watchers = new Set<() => void>();

  /** `$W` is put before commands: `hasp run …`, or nothing. */
  private constructor(sandbox: Sandbox, prefix: string) {
    this.#running = sandbox.startOther(
      ['python3', '-IS', PTY, '24', '80', 'bash', '--norc', '--noprofile', '--noediting', '-i'],
      { env: { TERM: 'xterm', HASP, W: prefix }, openStdin: true, descriptors: ['pipe'] },
    );
    const decoder = new StringDecoder();
    const look = (): void => {
      for (const watcher of [...this.#watchers]) watcher();
    };
    this.#running.child.stdout?.on('data', (chunk: Buffer) => {
      this.#screen += decoder.write(chunk);
      look();
    });
    this.#running.child.stderr?.on('data', (chunk: Buffer) => {
      this.#screen += `pty.py: ${chunk}`;
    });
    this.#running.child.once('close', look);
    for (const stream of this.#running.child.stdio) stream?.on('error', () => {});
  }

  /** @param prefix what `$W` expands to: the words before a command */
  static async open(sandbox: Sandbox, prefix = ''): Promise<Shell> {
    const shell = new Shell(sandbox, prefix);
    // Not in the environment: for root bash takes no PS1 from there.
    shell.press("PS1='[$?]> '\r");
    await shell.prompt();
    return shell;
  }

  /** All that the terminal has shown. */
  get screen(): string {
    return this.#screen;
  }

  /** Presses keys, and waits for nothing. */
  press(keys: string): void {
    this.#running.child.stdin?.write(keys);
  }

  /** Types a line at a prompt that stands there, and waits until it is echoed. */
  async enter(line: string): Promise<void> {
    this.press(`${line}\r`);
    await this.shows(`${line}\r\n`);
  }

  /**
   * Waits for the first match after everything that was waited for before.
   * @returns what was shown before it, and the match. @throws Error with the rest of the screen
   */
  shows(pattern: string | RegExp): Promise<{ readonly before: string; readonly match: RegExpExecArray }> {
    const expression =
      typeof pattern === 'string' ? new RegExp(pattern.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')) : pattern;
    return new Promise((resolve, reject) => {
      const stop = (deed: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        deed();
      };
      const fail = (): void => {
        const rest = JSON.stringify(this.#screen.slice(this.#seen));
        stop(() => reject(new Error(`the terminal never showed ${String(pattern)}, but ${rest}`)));
      };
      const timer = setTimeout(fail, PATIENCE_MS);
      const look = (): void => {
        const rest = this.#screen.slice(this.#seen);
        const match = expression.exec(rest);
        if (match) {
          this.#seen += match.index + match[0].length;
          stop(() => resolve({ before: rest.slice(0, match.index), match }));
        } else if (this.#running.child.exitCode !== null && this.#running.child.stdout?.readableEnded) fail();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Waits for the next prompt. @returns the status that it shows, and what was shown before it */
  async prompt(): Promise<{ readonly status: number; readonly before: string }> {
    const { before, match } = await this.shows(PROMPT);
    return { status: Number(match[1]), before: before.replaceAll('\r\n', '\n') };
  }

  /** Types a line and waits for the next prompt. */
  async run(line: string): Promise<{ readonly status: number; readonly before: string }> {
    await this.enter(line);
    return this.prompt();
  }

  resize(rows: number, columns: number): void {
    this.#control(`size ${rows} ${columns}\n`);
  }

  /** Closes the window. @returns when the shell has ended */
  hangUp(): Promise<Outcome> {
    this.#control('hangup\n');
    return this.#running.ended;
  }

  /** Lets the shell exit by itself, which hangs up nobody in the background. */
  leave(): Promise<Outcome> {
    this.press('exit\r');
    return this.#running.ended;
  }

  async close(): Promise<void> {
    await this.hangUp();
  }

  #control(line: string): void {
    (this.#running.child.stdio[3] as Writable).write(line);
  }
}

/**
 * Does the same in two terminals, side by side: with the commands bare, and under `hasp run` with a
 * secret. @returns what came out of both
 */
export async function bareAndUnderHasp<T>(
  sandbox: Sandbox,
  scenario: (shell: Shell, under: 'nothing' | 'hasp') => Promise<T>,
): Promise<readonly [bare: T, underHasp: T]> {
  const inOne = async (prefix: string, under: 'nothing' | 'hasp'): Promise<T> => {
    const shell = await Shell.open(sandbox, prefix);
    try {
      return await scenario(shell, under);
    } finally {
      await shell.close();
    }
  };
  return Promise.all([inOne('', 'nothing'), inOne(`${HASP} run -e KEY=hasp://api/key --`, 'hasp')]);
}
