import type { Readable, Writable } from 'node:stream';
import type { ExitStatus } from '../exit-status.ts';
import type { TreeEnd, TreeSpec } from '../tree-spec.ts';
import { LookedAtTree } from './looked-at-tree.ts';
import { PipedOutput } from './piped-output.ts';
import { platformTable } from './platform-table.ts';

export { platformTable };

/** The part of execa's subprocess that is used. */
export interface Subprocess {
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  kill(signal: number): boolean;
  once(event: 'exit', listener: (code: number | null, signal: string | null) => void): unknown;
}

/** The end of the tree, and what it wrote that may still be on its way. */
export interface LookedAtEnd {
  readonly end: TreeEnd;
  drain(): Promise<void>;
  hasLost(): boolean;
}

/**
 * Without the kernel's help: execa starts the command, and looks at the process table follow its tree. Best
 * effort: a process that leaves the tree between two looks is lost, unless its environment can be read and
 * bears the mark; descriptors above 2 and ignored signals are not passed on; granted bytes become strings;
 * pipes are sockets.
 * @returns the errno's name where the command can't be started
 */
export async function superviseByLooking(spec: TreeSpec): Promise<LookedAtEnd | string> {
  const table = spec.table ?? (await platformTable());
  const started = await start(spec);
  if (typeof started === 'string') return started;
  const { child } = started;
  // Nothing but promises was awaited since the spawn, so no end of the child was told and it was not reaped.
  const exit = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }));
  });
  const outputs = [pipe(child.stdout, 1, spec.stdout, spec), pipe(child.stderr, 2, spec.stderr, spec)].flat();
  if (spec.stdin !== 'inherit') feed(child.stdin, spec.stdin);
  const tree = new LookedAtTree(spec, table, child, exit);
  return {
    end: await tree.end(),
    drain: async () => void (await Promise.all(outputs.map((output) => output.drain()))),
    hasLost: () => outputs.some((output) => output.hasLost),
  };
}

/** execa's errors quote the command and its arguments, and Node's quote variables: only the errno gets out. */
async function start(spec: TreeSpec): Promise<{ child: Subprocess } | string> {
  const { execa } = await import('execa');
  const [command = '', ...args] = spec.argv;
  const mode = (stream: unknown): 'inherit' | 'pipe' => (stream === 'inherit' ? 'inherit' : 'pipe');
  try {
    const child = execa(spec.path, args, {
      argv0: command,
      env: Object.fromEntries(
        [...spec.environment].map(([name, value]) => [name, Buffer.from(value).toString('utf8')] as const),
      ),
      extendEnv: false,
      stdio: [mode(spec.stdin), mode(spec.stdout), mode(spec.stderr)],
      buffer: false,
      cleanup: false,
      detached: false,
      encoding: 'buffer',
      // Else a TERM that is passed on would become a KILL five seconds later.
      forceKillAfterDelay: false,
      reject: false,
      verbose: 'none',
    });
    // It is a promise of its own end, too: not to be awaited here.
    if (child.pid !== undefined) return { child: child as Subprocess };
    const { code } = await child;
    return /^E[A-Z0-9]+$/.test(code ?? '') ? (code as string) : 'EINVAL';
  } catch {
    return 'EINVAL';
  }
}

function pipe(source: Readable | null, target: number, stream: TreeSpec['stdout'], spec: TreeSpec): PipedOutput[] {
  return source === null || stream === 'inherit' ? [] : [new PipedOutput(source, target, stream, spec.onWarning)];
}

/** A command that does not read its input is no failure. */
function feed(input: Writable | null, bytes: Uint8Array): void {
  const copy = Buffer.from(bytes);
  input?.on('error', () => {}).end(copy, () => copy.fill(0));
}
