import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { ProcessIdentity } from '@hasp/core';
import { endAll } from '../ending.ts';
import type { ExitStatus } from '../exit-status.ts';
import { identityFrom, isAlive } from '../identity.ts';
import { descendantsOf, printableName, readStat } from '../proc.ts';
import { terminalSignalled } from '../signals.ts';
import { SpawnFailure } from '../spawn-failure.ts';
import type { TreeEnd, TreeSpec } from '../tree-spec.ts';

const LOOK_MS = 100;

/**
 * Without koffi: Node's own spawn, and a look at /proc every 100 ms. Best effort: a process that
 * leaves the tree between two looks is lost, descriptors above 2 and ignored signals are not passed.
 */
export async function superviseByLooking(spec: TreeSpec): Promise<TreeEnd> {
  const known = new Map<number, ProcessIdentity>();
  const [command, ...args] = spec.argv;
  const environment: Record<string, string> = {};
  for (const [name, value] of spec.environment)
    environment[name] = typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
  const mode = (stream: unknown): 'inherit' | 'pipe' => (stream === 'inherit' ? 'inherit' : 'pipe');
  const child = spawn(spec.path, args, {
    argv0: command,
    env: environment,
    stdio: [mode(spec.stdin), mode(spec.stdout), mode(spec.stderr)],
  });
  const ended = new Promise<ExitStatus>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(new SpawnFailure(error.code ?? 'EIO')));
    child.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 0 }));
  });
  void ended;
  const pid = child.pid;
  const stat = pid === undefined ? undefined : readStat(pid);
  if (pid === undefined || !stat) {
    await ended;
    throw new SpawnFailure('EIO');
  }
  const root = identityFrom(stat);
  for (const [stream, source, target] of [
    [spec.stdout, child.stdout, process.stdout],
    [spec.stderr, child.stderr, process.stderr],
  ] as const) {
    if (stream === 'inherit' || !source) continue;
    const transform = stream();
    source.on('data', (chunk: Buffer) => {
      if (target.write(transform.push(chunk))) return;
      source.pause();
      target.once('drain', () => source.resume());
    });
    source.on('end', () => target.write(transform.end()));
  }
  if (spec.stdin !== 'inherit') child.stdin?.on('error', () => {}).end(Buffer.from(spec.stdin));
  const look = (): ProcessIdentity[] => {
    for (const seed of [root.pid, ...known.keys()])
      for (const one of descendantsOf(seed)) known.set(one.pid, identityFrom(one));
    return [...known.values()].filter((identity) => isAlive(identity) === true);
  };
  spec.onSpawned(root);
  spec.onMembers([root]);
  let endNow: 'ttl' | 'revoked' | undefined;
  const timer = setInterval(() => {
    look();
    if (spec.clock() >= spec.expiresAt) endNow ??= 'ttl';
    if (spec.abort?.aborted) endNow ??= 'revoked';
    if (endNow) child.kill('SIGTERM');
  }, LOOK_MS);
  spec.signals.deliverTo((signal, early) => {
    if (early || !terminalSignalled(signal, root.pid)) child.kill(constants.signals[signal]);
  });
  const settle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.min(ms, LOOK_MS)));
  try {
    const exit = await ended;
    while (spec.stragglers === 'wait' && look().length > 0 && !endNow) await settle(LOOK_MS);
    const left = look();
    const survivors =
      spec.stragglers === 'leave' && !endNow
        ? left.map((one) => ({
            pid: one.pid,
            command: printableName(readStat(one.pid)?.name ?? '?'),
            outcome: 'left' as const,
          }))
        : await endAll({ members: look, settle }, spec.graceMs);
    return { root, exit, cause: endNow ?? ('signal' in exit ? 'signalled' : 'exited'), survivors };
  } finally {
    clearInterval(timer);
  }
}
