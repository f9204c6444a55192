import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TreeEnd } from '@hasp/process-tree';
import { buildSync } from 'esbuild';
import type { SuperviseOptions } from './supervise.ts';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(path.dirname(here));

export interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What the supervised command told: its end, and everything before it, in order. */
export interface Told {
  readonly end: TreeEnd | undefined;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
}

/** As the build has made it, and what it makes where there is no compiler. */
const LAUNCHERS = { built: 'packages/cli/bin/hasp', bash: 'packages/cli/launcher/hasp.bash' } as const;

/** A folder with the real launcher on a small wrapper (`bin/hasp`), and compiled test programs. */
export class Workshop {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'hasp-tree-'));
  readonly hasp: string = path.join(this.folder, 'bin/hasp');
  #logs = 0;

  constructor(launcher: keyof typeof LAUNCHERS = 'built') {
    chmodSync(this.folder, 0o755);
    mkdirSync(path.join(this.folder, 'bin'));
    mkdirSync(path.join(this.folder, 'logs'));
    chmodSync(path.join(this.folder, 'logs'), 0o777);
    copyFileSync(path.join(root, LAUNCHERS[launcher]), this.hasp);
    chmodSync(this.hasp, 0o755);
    symlinkSync(path.join(root, 'node_modules'), path.join(this.folder, 'node_modules'));
    buildSync({
      entryPoints: [path.join(here, 'supervise.ts')],
      outfile: path.join(this.folder, 'dist/hasp.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['koffi', 'ps-list', 'execa'],
      logLevel: 'error',
    });
  }

  /** Compiles test/programs/NAME.c. @returns its path */
  compile(name: string): string {
    const binary = path.join(this.folder, name);
    execFileSync('cc', ['-O1', '-w', '-pthread', '-o', binary, path.join(here, `${name}.c`)]);
    return binary;
  }

  /** @returns the path of test/programs/NAME, as it is */
  program(name: string): string {
    return path.join(here, name);
  }

  /** Runs a line of bash in which $HASP is the wrapper. */
  sh(line: string, options: SuperviseOptions = {}, environment: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
    return collect('bash', ['-c', line], {
      ...environment,
      HASP: this.hasp,
      ...(Object.keys(options).length > 0 ? { SUPERVISE: JSON.stringify(options) } : {}),
    });
  }

  /** Runs one command under the wrapper. */
  async supervise(command: readonly string[], options: SuperviseOptions = {}): Promise<Outcome & Told> {
    const log = this.newLog();
    const environment = { ...process.env, SUPERVISE: JSON.stringify({ log, ...options }) };
    const outcome = await collect(this.hasp, command, environment);
    return { ...outcome, ...readLog(log) };
  }

  newLog(): string {
    this.#logs += 1;
    return path.join(this.folder, 'logs', String(this.#logs));
  }

  /** Pids of live processes that run `binary`. */
  running(binary: string): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && executableOf(pid) === binary);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function readLog(log: string): Told {
  let text = '';
  try {
    text = readFileSync(log, 'utf8');
  } catch {}
  const entries: Record<string, unknown>[] = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { end: entries.find((entry) => 'end' in entry)?.['end'] as TreeEnd | undefined, entries };
}

/** Looks every few milliseconds until there is something. @throws Error after 10 s */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never came: ${look}`);
}

function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

function collect(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ stdout: Buffer.concat(stdout), stderr, code, signal }));
  });
}
