import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { AuditLog, createLog, verifyLog } from '@hasp/audit';
import { type AuditEvent, type Home, homeAt } from '@hasp/core';
import { compileStarter, type Measured, measureInterleaved, type Report, type Row } from '../support/measure.ts';

const RECORDS = 1_000_000;
const VERIFY_ROUNDS = 5;
const APPEND_ROUNDS = 5;
const APPENDS = 800;
const ROOT = { chain: '0'.repeat(32), k0: new Uint8Array(32).fill(1) };

/** The disk and sha256sum are the yardsticks: each ratio is of one run, and the median of them counts. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-audit-'));
  try {
    const short = makeLog(path.join(folder, 'short'));
    const long = makeLog(path.join(folder, 'long'));
    fill(long, RECORDS);
    const verified = verifyRounds(long);
    const commands = measureCommands(root, folder);
    const one: number[] = [];
    const eight: number[] = [];
    const grown: number[] = [];
    for (let round = 0; round < APPEND_ROUNDS; round += 1) {
      one.push(await appendRate(short, 1));
      grown.push(await appendRate(long, 1));
      eight.push(await appendRate(short, 8));
    }
    const perSecond = (rate: number): string => `${Math.round(rate)} records/s`;
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
    return {
      title: `The audit log, medians of ${APPEND_ROUNDS} interleaved runs, Node ${process.version}`,
      rows: [
        { what: 'append, each synced, 1 process', result: perSecond(median(one)) },
        { what: `the same to a log of ${RECORDS} records`, result: perSecond(median(grown)) },
        { what: 'append, each synced, 8 processes', result: perSecond(median(eight)) },
        {
          what: `sha256sum of ${RECORDS} records, ${Math.round(statSync(long.auditLog).size / 1e6)} MB`,
          result: seconds(median(verified.map(({ sum }) => sum))),
        },
        {
          what: 'verify them in a process that runs, to sha256sum',
          result: seconds(median(verified.map(({ verify }) => verify))),
          ratio: median(verified.map(({ verify, sum }) => verify / sum)),
          limit: 3.5,
        },
        ...rowsOf(commands),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Commands = Record<'sum' | 'one' | 'two', Measured>;

/** The whole command, with a vault; kept to one processor, it does with one thread. */
function measureCommands(root: string, folder: string): Commands {
  const hasp = path.join(root, 'packages/cli/bin/hasp');
  const home = homeAt(path.join(folder, 'home'));
  const env = { ...process.env, HASP_HOME: home.root };
  execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  fill(home, RECORDS);
  const verify = ['/bin/sh', '-c', 'exec "$@" >/dev/null', 'sh', hasp, 'audit', 'verify'];
  return measureInterleaved(
    compileStarter(root, folder),
    {
      sum: { argv: ['/bin/sh', '-c', 'exec sha256sum "$0" >/dev/null', home.auditLog], env },
      one: { argv: ['/usr/bin/taskset', '-c', '0', ...verify], env },
      two: { argv: verify, env },
    },
    VERIFY_ROUNDS,
  );
}

function rowsOf({ sum, one, two }: Commands): Row[] {
  const row = (what: string, { ms, cpuMs }: Measured, limit?: number): Row => ({
    what,
    result: `${(ms / 1000).toFixed(2)} s, CPU ${(cpuMs / 1000).toFixed(2)} s`,
    ratio: ms / sum.ms,
    ...(limit === undefined ? {} : { limit }),
  });
  const memory = (what: string, { peakMiB }: Measured): Row => ({
    what,
    result: `${peakMiB.toFixed(0)} MiB`,
    ratio: (peakMiB * 1.048576) / 100,
    limit: 1,
  });
  return [
    row('sha256sum of the log of a vault', sum),
    row('hasp audit verify on one processor, to that', one, 3.5),
    row('hasp audit verify, two threads, to that', two, 2),
    memory('peak memory on one, to 100 MB', one),
    memory('peak memory with two threads, to 100 MB', two),
  ];
}

function makeLog(root: string): Home {
  const home = homeAt(root);
  mkdirSync(root, 0o700);
  createLog(home, ROOT, { type: 'vault.created', chain: ROOT.chain, vault: 'bench', keySource: 'key-file' }, Date.now);
  return home;
}

/** Of about 330 bytes, as `hasp run` writes them. */
function ended(): AuditEvent {
  return {
    type: 'grant.ended',
    run: '0123456789abcdef',
    grant: '0123456789abcdef',
    secret: 'db/url',
    root: { pid: 123456, startTime: '12345678' },
    clean: true,
    endReason: 'exited',
    exitCode: 0,
    durationMs: 1234,
    survivors: [],
  };
}

function fill(home: Home, records: number): void {
  const log = AuditLog.open(home, Date.now);
  const batch = Array.from({ length: 2_000 }, ended);
  for (let left = records - 1; left > 0; left -= batch.length) log.append(batch.slice(0, Math.min(left, batch.length)));
  log.close();
  // What still waits to be written would slow the syncs that are measured.
  execFileSync('sync');
}

/** Records a second of so many processes together, from when the first may write until the last has written. */
async function appendRate(home: Home, processes: number): Promise<number> {
  const each = Math.ceil(APPENDS / processes);
  const code = `import(${JSON.stringify(import.meta.url)}).then((bench) => bench.write(${JSON.stringify(home.root)}, ${each}))`;
  const writers: ChildProcessWithoutNullStreams[] = [];
  for (let i = 0; i < processes; i += 1) writers.push(spawn(process.execPath, ['-e', code]));
  await Promise.all(writers.map((writer) => once(writer.stdout, 'data')));
  const start = performance.now();
  for (const writer of writers) writer.stdin.end('go');
  const ends = await Promise.all(writers.map((writer) => once(writer, 'exit')));
  const took = performance.now() - start;
  if (ends.some(([status]) => status !== 0)) throw new Error('a writer failed');
  return (each * processes * 1000) / took;
}

/** In a process of its own: appends one record, waits for the starting signal, and appends the rest. */
export async function write(root: string, records: number): Promise<void> {
  const log = AuditLog.open(homeAt(root), Date.now);
  log.append([ended()]);
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  for (let i = 0; i < records; i += 1) log.append([ended()]);
  log.close();
}

function verifyRounds(home: Home): { sum: number; verify: number }[] {
  const rounds: { sum: number; verify: number }[] = [];
  for (let round = -1; round < VERIFY_ROUNDS; round += 1) {
    const sum = timed(() => execFileSync('sha256sum', [home.auditLog], { stdio: 'ignore' }));
    const verify = timed(() => {
      if (!verifyLog(home, ROOT, undefined).ok) throw new Error('the log does not verify');
    });
    if (round >= 0) rounds.push({ sum, verify });
  }
  return rounds;
}

function timed(deed: () => void): number {
  const start = performance.now();
  deed();
  return performance.now() - start;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}
