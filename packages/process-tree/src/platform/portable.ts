import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { ProcessIdentity, Survivor } from '@hasp/core';
import { endAll } from '../ending.ts';
import type { ExitStatus } from '../exit-status.ts';
import { identityFrom, isAlive } from '../identity.ts';
import { descendantsOf, printableName, readStat } from '../proc.ts';
import { type ByteTransform, writeAll } from '../relay.ts';
import { terminalSignalled } from '../signals.ts';
import { SpawnFailure } from '../spawn-failure.ts';
import type { TreeEnd, TreeSpec } from '../tree-spec.ts';

const LOOK_MS = 100;

/**
 * Without koffi: Node's own spawn, and a look at /proc every 100 ms. Best effort: a process that
 * leaves the tree between two looks is lost; descriptors above 2 and ignored signals are not passed
 * on; granted bytes become strings; pipes are sockets. @throws SpawnFailure
 */
export async function superviseByLooking(spec: TreeSpec): Promise<TreeEnd> {
  const child = await start(spec);
  const ended = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 0 }));
  });
  // Nothing was awaited since the spawn, so Node has not reaped it and /proc shows it.
  const stat = readStat(child.pid ?? 0);
  if (!stat) throw new Error('the new process is not in /proc');
  const root = identityFrom(stat);
  const members = new Members(root);
  const streams = Promise.all([
    relay(child.stdout, 1, spec.stdout),
    relay(child.stderr, 2, spec.stderr),
    feed(child, spec.stdin),
  ]);
  spec.onSpawned(root);
  spec.signals.deliverTo((signal, early) => {
    if (early || !terminalSignalled(signal, root.pid)) child.kill(constants.signals[signal]);
  });

  let exit: ExitStatus | undefined;
  const rootEnded = ended.then((status) => {
    exit = status;
  });
  const step = (ms: number): Promise<unknown> =>
    Promise.race([exit ? pause(ms) : rootEnded, pause(Math.min(ms, LOOK_MS))]);
  const why = (): 'ttl' | 'revoked' | undefined =>
    spec.abort?.aborted ? 'revoked' : spec.clock() >= spec.expiresAt ? 'ttl' : undefined;
  let live = members.look();
  while (!why() && (!exit || (spec.stragglers === 'wait' && live.length > 0))) {
    await step(LOOK_MS);
    live = members.look();
    spec.onMembers(live);
  }
  const cause = why();
  let survivors: readonly Survivor[] = [];
  if (cause === undefined && spec.stragglers === 'leave') {
    survivors = live.map(({ pid }) => ({ pid, command: printableName(readStat(pid)?.name ?? '?'), outcome: 'left' }));
    child.stdout?.destroy();
    child.stderr?.destroy();
  } else {
    survivors = await endAll(
      { members: () => members.look(), settle: async (ms) => void (await step(ms)) },
      spec.graceMs,
    );
  }
  const status = exit ?? (await ended);
  const end: TreeEnd = {
    root,
    exit: status,
    cause: cause ?? ('signal' in status ? 'signalled' : 'exited'),
    survivors: survivors.filter(({ pid }) => pid !== root.pid),
  };
  spec.onTreeEnd?.(end);
  await streams;
  return end;
}

/** Everything that was ever seen below the root. */
class Members {
  readonly #known: Map<number, ProcessIdentity>;

  constructor(root: ProcessIdentity) {
    this.#known = new Map([[root.pid, root]]);
  }

  look(): ProcessIdentity[] {
    for (const pid of [...this.#known.keys()]) {
      for (const stat of descendantsOf(pid)) this.#known.set(stat.pid, identityFrom(stat));
    }
    return [...this.#known.values()].filter((identity) => isAlive(identity) === true);
  }
}

async function start(spec: TreeSpec): Promise<ChildProcess> {
  const [command = '', ...args] = spec.argv;
  const entries = [...spec.environment].map(([name, value]) => [name, Buffer.from(value).toString('utf8')] as const);
  const mode = (stream: unknown): 'inherit' | 'pipe' => (stream === 'inherit' ? 'inherit' : 'pipe');
  const child = spawn(spec.path, args, {
    argv0: command,
    env: Object.fromEntries(entries),
    stdio: [mode(spec.stdin), mode(spec.stdout), mode(spec.stderr)],
  });
  if (child.pid !== undefined) return child;
  throw await new Promise<SpawnFailure>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(new SpawnFailure(error.code ?? 'EIO')));
  });
}

async function relay(
  source: NodeJS.ReadableStream | null,
  target: number,
  stream: 'inherit' | (() => ByteTransform),
): Promise<void> {
  if (stream === 'inherit' || !source) return;
  const transform = stream();
  try {
    for await (const chunk of source) if (await writeAll(target, transform.push(Buffer.from(chunk)))) return;
  } catch {
    // Destroyed because what is left may not write any more.
  }
  await writeAll(target, transform.end());
}

async function feed(child: ChildProcess, bytes: 'inherit' | Uint8Array): Promise<void> {
  // A command that does not read its input is no failure.
  if (bytes !== 'inherit') child.stdin?.on('error', () => {}).end(Buffer.from(bytes));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
