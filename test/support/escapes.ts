import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type EscapeKind, GRACE_MS, type Policy } from './escape-kinds.ts';
import { clear, livingIn, tailOf } from './witnesses.ts';

const OTHER_UID = 65_534;
/** A run that has not ended by then never will. */
const PATIENCE_MS = 30_000;
/** What hasp said is read by then. */
const OUTPUT_MS = 1_000;
/** How long the last process lives if nobody ends it. */
const LIFE_MS = { kill: 20_000, wait: 60 } as const;

/** How one attempt ended. */
export interface Attempt {
  /** What went wrong; nothing, if every process was seen. */
  readonly lost: string | undefined;
  /** From the last process's last sign of life to the time in the record of the end; where it ended by itself. */
  readonly latencyMs: number | undefined;
  readonly survivors: readonly Survivor[];
  readonly stderr: string;
}

export interface Survivor {
  readonly pid: number;
  readonly command: string;
  readonly outcome: string;
}

/** A place where escapes are tried: a home with one secret, and the compiled programs; for root or for another user. */
export class EscapeArena {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'hasp-escapes-'));
  readonly home: string = path.join(this.folder, 'hasp');
  readonly program: string = path.join(this.folder, 'escapes');
  /** The same, owned by root and setuid where we are root and the runs are not. */
  readonly setuidProgram: string = path.join(this.folder, 'escapes-setuid');
  readonly hasp: string;
  readonly asOther: boolean;
  readonly #through: readonly string[];
  #attempts = 0;

  /** @param root the top of the repository; `hasp` is its own if not said */
  constructor(root: string, asOther: boolean, hasp: string = path.join(root, 'packages/cli/bin/hasp')) {
    this.hasp = hasp;
    this.asOther = asOther;
    this.#through = asOther ? ['setpriv', `--reuid=${OTHER_UID}`, `--regid=${OTHER_UID}`, '--clear-groups'] : [];
    chmodSync(this.folder, 0o755);
    const source = path.join(root, 'test/programs/escapes/escapes.c');
    execFileSync('cc', ['-O1', '-w', '-pthread', '-o', this.program, source]);
    cpSync(this.program, this.setuidProgram);
    chmodSync(this.setuidProgram, asOther ? 0o4755 : 0o755);
    const keeper = path.join(this.folder, 'keeper');
    mkdirSync(keeper);
    if (asOther) chownSync(keeper, OTHER_UID, OTHER_UID);
    this.home = path.join(keeper, 'hasp');
    this.ok(['init', '--key-file']);
    this.ok(['secret', 'set', 'api/key'], 'escape-suite-value');
  }

  /** stdout of a command of hasp's. @throws Error if it fails */
  ok(argv: readonly string[], input = ''): string {
    const [command = '', ...rest] = [...this.#through, this.hasp, ...argv];
    return execFileSync(command, rest, { env: this.environment(), input, encoding: 'utf8', stdio: 'pipe' });
  }

  /** One run of one kind, watched from outside. */
  async attempt(kind: EscapeKind, policy: Policy): Promise<Attempt> {
    this.#attempts += 1;
    const id = `${kind.name}-${policy}-${this.#attempts}`;
    const folder = path.join(this.folder, id);
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const stamps = path.join(folder, 'stamps');
    const options = ['-e', 'KEY=hasp://api/key', '--reason', id, '--stragglers', policy, '--grace', `${GRACE_MS}ms`];
    const command = kind.command({ arena: this, policy, stamps, lifeMs: LIFE_MS[policy] });
    const argv = [...(kind.through ?? []), ...this.#through, this.hasp, 'run', ...options, '--', ...command];
    const { status, stderr } = await this.#drive(argv, folder);
    const left = livingIn(folder);
    const verdict = this.#judge(kind, policy, { id, status, left, stamps });
    if (left.length > 0) clear(folder);
    return { ...verdict, stderr };
  }

  verifies(): boolean {
    return (JSON.parse(this.ok(['audit', 'verify', '--json'])) as { ok: boolean }).ok;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** For every command of hasp's. */
  environment(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: '/nonexistent', HASP_HOME: this.home, LANG: 'C.UTF-8' };
  }

  #drive(argv: readonly string[], cwd: string): Promise<{ status: number | string | null; stderr: string }> {
    const [command = '', ...rest] = argv;
    return new Promise((resolve, reject) => {
      const child: ChildProcess = spawn(command, rest, {
        cwd,
        env: this.environment(),
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      let stderr = '';
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk;
      });
      child.on('error', reject);
      // Who was lost may hold stderr for ever.
      child.on('exit', () => setTimeout(() => child.stderr?.destroy(), OUTPUT_MS));
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ status: code ?? signal, stderr });
      });
    });
  }

  #judge(
    kind: EscapeKind,
    policy: Policy,
    seen: { id: string; status: number | string | null; left: readonly number[]; stamps: string },
  ): Omit<Attempt, 'stderr'> {
    const { ended, stampedAt } = this.#witnesses(seen.id, seen.stamps);
    const survivors = (ended?.['survivors'] ?? []) as readonly Survivor[];
    const endedAt = Date.parse(String(ended?.['time']));
    const protectedPids = survivors.filter(({ outcome }) => outcome === 'not-permitted').map(({ pid }) => pid);
    const faults = [
      seen.status !== (kind.status ?? 3) && `status ${seen.status}`,
      ended === undefined && 'no end recorded',
      stampedAt === undefined && 'nobody hid',
      // The record has whole milliseconds.
      endedAt < Math.floor((stampedAt ?? 0) / 1_000) && protectedPids.length === 0 && 'the end was recorded too early',
      seen.left.some((pid) => !protectedPids.includes(pid)) && `left alive: ${seen.left.join(' ')}`,
      policy === 'kill' && survivors.length === 0 && 'no survivor on record',
      policy === 'kill' && survivors.some(({ outcome }) => outcome === 'left') && 'not ended',
      policy === 'wait' && survivors.length > 0 && 'ended instead of waited for',
    ].filter((fault) => fault !== false);
    return {
      lost: faults.length === 0 ? undefined : `${seen.id}: ${faults.join(', ')}`,
      latencyMs: policy === 'wait' && stampedAt !== undefined ? Math.max(0, endedAt - stampedAt / 1_000) : undefined,
      survivors,
    };
  }

  #witnesses(
    id: string,
    stamps: string,
  ): { ended: Record<string, unknown> | undefined; stampedAt: number | undefined } {
    const records = tailOf(path.join(this.home, 'audit.jsonl'));
    const issued = records.find(({ type, reason }) => type === 'grant.issued' && reason === id);
    const ended = records.find(({ type, run }) => type === 'grant.ended' && run === issued?.['run']);
    return { ended, stampedAt: lastStamp(stamps) };
  }
}

/** Microseconds since 1970, when somebody was there last. */
function lastStamp(file: string): number | undefined {
  try {
    const times = readFileSync(file, 'utf8').trim().split('\n').map(Number);
    return Math.max(...times);
  } catch {
    return undefined;
  }
}

/** Whether the user of `asOther` may start the command: a checkout below /root can't be entered by others. */
export function mayBeOther(root: string): boolean {
  if (process.getuid?.() !== 0) return false;
  const argv = [
    `--reuid=${OTHER_UID}`,
    `--regid=${OTHER_UID}`,
    '--clear-groups',
    path.join(root, 'packages/cli/bin/hasp'),
  ];
  return spawnSync('setpriv', [...argv, 'version']).status === 0;
}
