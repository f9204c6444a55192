import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { EscapeArena } from './escapes.ts';
import { clear, livingIn, tailOf } from './witnesses.ts';

export interface LostWrapper {
  readonly fault: string | undefined;
  /** The whole next command, which found the run lost. */
  readonly nextMs: number;
}

/** A run with a delivered file and a straggler that left the session, whose wrapper is killed at a random moment. */
export async function loseWrapper(arena: EscapeArena, lifeMs: number): Promise<LostWrapper> {
  const folder = path.join(arena.folder, 'lost');
  mkdirSync(folder, { recursive: true });
  const script = "(setsid sh -c 'sleep 300 & sleep 300' <&- >&- 2>&- &); sleep 0.05; (sleep 300 &); sleep 0.05";
  const options = ['-e', 'KEY=hasp://api/key', '--file', 'FILE=hasp://api/key', '--grace', '20ms'];
  const child = spawn(arena.hasp, ['run', ...options, '--', 'sh', '-c', script], {
    cwd: folder,
    env: arena.environment(),
    stdio: 'ignore',
    detached: true,
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * lifeMs);
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  const nextMs = plainCommand(arena);
  const left = livingIn(folder);
  const faults = [
    left.length > 0 && `left alive: ${left.join(' ')}`,
    readdirSync(path.join(arena.home, 'run')).length > 0 && 'a file of the run is left',
    ...deliveredOrOpen(arena),
  ].filter((fault) => fault !== false);
  clear(folder);
  return { fault: faults.length === 0 ? undefined : faults.join(', '), nextMs };
}

/** How long a command takes that opens the home. */
export function plainCommand(arena: EscapeArena): number {
  const started = performance.now();
  arena.ok(['secret', 'list']);
  return performance.now() - started;
}

function deliveredOrOpen(arena: EscapeArena): string[] {
  const records = tailOf(path.join(arena.home, 'audit.jsonl'));
  const kept = new Set(readdirSync('/dev/shm'));
  return records
    .filter(({ type }) => type === 'grant.issued')
    .flatMap(({ run, grant }) => {
      const ends = records.filter((record) => record['type'] === 'grant.ended' && record['grant'] === grant).length;
      return [
        ...(ends === 1 ? [] : [`${String(grant)} ended ${ends} times`]),
        ...(kept.has(`hasp-${String(run)}`) ? [`files of ${String(run)} are left`] : []),
      ];
    });
}
