import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built command, as users start it. */
export const HASP = fileURLToPath(new URL('../../packages/cli/bin/hasp', import.meta.url));

/** How a process ended and what it wrote. Of `status` and `signal` one is null. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** From the spawn to the end of all output, in milliseconds. */
  readonly ms: number;
}

export interface StartOptions {
  /** Over the sandbox's own; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly stdin?: string | Uint8Array;
  /** Leaves stdin open, for the caller to write to. */
  readonly openStdin?: boolean;
  /** Further descriptors, from 3 on, as `stdio` of child_process takes them. */
  readonly descriptors?: readonly (number | 'pipe')[];
  /** Put before the command: `['setpriv', …]`. */
  readonly through?: readonly string[];
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Outcome>;
  /** Resolves when stdout holds the text. */
  printed(text: string): Promise<void>;
}

/** One record of the log, as `hasp audit log --json` prints it. */
export type LogRecord = Readonly<Record<string, unknown>>;

/** A throw-away machine: a HASP_HOME, a HOME, a TMPDIR and a working folder, all empty. */
export class Sandbox {
  readonly root: string;
  readonly home: string;
  readonly cwd: string;
  readonly tmp: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor() {
    this.root = realpathSync(mkdtempSync(path.join(tmpdir(), 'hasp-test-')));
    this.home = path.join(this.root, 'hasp');
    this.cwd = path.join(this.root, 'work');
    this.tmp = path.join(this.root, 'tmp');
    const userHome = path.join(this.root, 'user');
    for (const folder of [this.cwd, this.tmp, userHome]) mkdirSync(folder);
    this.environment = {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: userHome,
      TMPDIR: this.tmp,
      HASP_HOME: this.home,
      LANG: 'C.UTF-8',
    };
  }

  /** With a vault that opens with its key file, and these secrets. */
  static async withSecrets(secrets: Readonly<Record<string, string | Uint8Array>> = {}): Promise<Sandbox> {
    const sandbox = new Sandbox();
    await sandbox.ok(['init', '--key-file']);
    for (const [name, value] of Object.entries(secrets)) await sandbox.set(name, value);
    return sandbox;
  }

  /** A fresh one whose home is a copy of this one's: quicker than to make it again. */
  clone(): Sandbox {
    const clone = new Sandbox();
    copyFolder(this.home, clone.home);
    return clone;
  }

  /** Every process is in a session of its own, so that a terminal of the tester's plays no part. */
  start(argv: readonly string[], options: StartOptions = {}): Running {
    return this.startOther([HASP, ...argv], options);
  }

  startOther(argv: readonly string[], options: StartOptions = {}): Running {
    const [command = '', ...rest] = [...(options.through ?? []), ...argv];
    const started = performance.now();
    const spawnOptions: SpawnOptions = {
      cwd: options.cwd ?? this.cwd,
      env: { ...this.environment, ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    };
    const child = spawn(command, rest, spawnOptions);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout?.on('data', (chunk: Buffer) => output.stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.stderr.push(chunk));
    // A command that reads nothing may end before its stdin is written.
    child.stdin?.on('error', () => {});
    if (options.openStdin !== true) child.stdin?.end(options.stdin ?? '');
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => {
        resolve({
          status,
          signal,
          stdout: Buffer.concat(output.stdout),
          stderr: Buffer.concat(output.stderr),
          ms: performance.now() - started,
        });
      });
    });
    const printed = (text: string) => untilPrinted(child, output.stdout, text);
    return { child, pid: child.pid ?? 0, ended, printed };
  }

  run(argv: readonly string[], options: StartOptions = {}): Promise<Outcome> {
    return this.start(argv, options).ended;
  }

  /** A command without hasp, or around it. */
  other(argv: readonly string[], options: StartOptions = {}): Promise<Outcome> {
    return this.startOther(argv, options).ended;
  }

  /** Its stdout. @throws Error with what it said if it did not end with 0 */
  async ok(argv: readonly string[], options: StartOptions = {}): Promise<string> {
    const outcome = await this.run(argv, options);
    if (outcome.status === 0) return outcome.stdout.toString();
    throw new Error(`hasp ${argv.join(' ')} ended with ${outcome.status ?? outcome.signal}: ${outcome.stderr}`);
  }

  async json<T>(argv: readonly string[], options: StartOptions = {}): Promise<T> {
    return JSON.parse(await this.ok([...argv, '--json'], options)) as T;
  }

  async set(name: string, value: string | Uint8Array): Promise<void> {
    await this.ok(['secret', 'set', name], { stdin: value });
  }

  /** All records that pass the filters, oldest first. */
  async log(...filters: string[]): Promise<LogRecord[]> {
    const lines = (await this.ok(['audit', 'log', '--json', ...filters])).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as LogRecord);
  }

  /** Writes a file below the working folder and returns its path. */
  write(name: string, text: string | Uint8Array, mode = 0o644): string {
    const file = path.join(this.cwd, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
    return file;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function untilPrinted(child: ChildProcess, chunks: readonly Buffer[], text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!Buffer.concat(chunks).includes(text)) return;
      child.stdout?.off('data', look);
      resolve();
    };
    child.stdout?.on('data', look);
    child.once('close', () => reject(new Error(`ended without printing ${text}`)));
    look();
  });
}

/** Asks again until the answer is neither false nor undefined. @throws Error after `limitMs` */
export async function until<T>(
  what: string,
  look: () => T | false | undefined | Promise<T | false | undefined>,
  limitMs = 20_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether the process lives (a zombie does not). */
export function isLiving(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Every plain file below a folder, with its path. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** With the modes of its folders: those of cpSync are new from Node 22 on. */
export function copyFolder(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    else cpSync(source, target);
  }
  chmodSync(to, statSync(from).mode);
}
