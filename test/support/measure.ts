import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** One line of a bench's table. */
export interface Row {
  readonly what: string;
  /** With its unit: `31.2 ms`. */
  readonly result: string;
  /** To what the row says or the title explains. */
  readonly ratio?: number;
  /** The ratio may not be above it. */
  readonly limit?: number;
}

export interface Report {
  readonly title: string;
  readonly rows: readonly Row[];
}

export interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Measured {
  /** Medians. */
  readonly ms: number;
  /** User and system time, of its own children too. */
  readonly cpuMs: number;
  readonly peakMiB: number;
}

/** Compiles the starter into `folder`; returns its path. Needs a C compiler, as better-sqlite3 does. */
export function compileStarter(root: string, folder: string): string {
  const starter = path.join(folder, 'measure');
  execFileSync('cc', ['-O2', '-o', starter, path.join(root, 'test/bench/measure.c')]);
  return starter;
}

/**
 * Runs all the commands one after the other, `rounds` times over: what disturbs the machine disturbs
 * them alike. Each must end with status 0. One round before the first is not counted.
 */
export function measureInterleaved<Name extends string>(
  starter: string,
  commands: Readonly<Record<Name, Command>>,
  rounds: number,
): Record<Name, Measured> {
  const names = Object.keys(commands) as Name[];
  const samples = new Map(
    names.map((name) => [name, { ms: [] as number[], cpuMs: [] as number[], peakMiB: [] as number[] }]),
  );
  for (let round = -1; round < rounds; round += 1) {
    // Each round begins with another one, so that none always runs after the same neighbour.
    for (const at of names.keys()) {
      const name = names[(at + round + names.length) % names.length] as Name;
      const { ms, cpuMs, peakMiB } = runOnce(starter, commands[name]);
      if (round < 0) continue;
      samples.get(name)?.ms.push(ms);
      samples.get(name)?.cpuMs.push(cpuMs);
      samples.get(name)?.peakMiB.push(peakMiB);
    }
  }
  return Object.fromEntries(
    [...samples].map(([name, { ms, cpuMs, peakMiB }]) => [
      name,
      { ms: median(ms), cpuMs: median(cpuMs), peakMiB: median(peakMiB) },
    ]),
  ) as Record<Name, Measured>;
}

function runOnce(starter: string, { argv, env }: Command): Measured {
  const line = execFileSync(starter, [...argv], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [nanoseconds, kib, status, cpu] = line.trim().split(' ').map(Number) as [number, number, number, number];
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with status ${status}`);
  return { ms: nanoseconds / 1e6, cpuMs: cpu / 1e6, peakMiB: kib / 1024 };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return ((sorted[Math.floor(middle - 0.5)] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}
