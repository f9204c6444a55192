import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { type Load, type LoadResult, quantile, runLoad } from '../support/load.ts';
import type { Report } from '../support/measure.ts';

const ROUNDS = 7;
const REQUESTS = 6_000;
const CONNECTIONS = 10;
const MANY = 200_000;
const MOST_MIB = 90;
/** As packages/cli/src/broker-process.ts starts a broker: both servers have the same. */
const FLAGS = ['--max-semi-space-size=1'];
const FLOOD_MS = 10_000;
const FLOODING = 10;
const HONEST = 200;

/**
 * `/resolve` by an agent's token, with rules and a chained, synced record of each, to the same server without log
 * and rules.
 */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-'));
  const hasp = path.join(root, 'packages/cli/bin/hasp');
  const home = path.join(folder, 'home');
  const env = { ...process.env, HASP_HOME: home };
  const run = (argv: string[], input?: string): string =>
    execFileSync(hasp, argv, { env, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], ...(input ? { input } : {}) });
  run(['init', '--key-file']);
  run(['secret', 'set', 'GITHUB_TOKEN'], 'a-value-of-some-length-0123456789');
  writeFileSync(path.join(home, 'policy.json'), policy(), { mode: 0o600 });
  const plain = await startPlain(root, home, path.join(home, 'vault.key'));
  try {
    const token = run(['agent', 'add', 'scan-01']).trim();
    const broker = JSON.parse(run(['broker', 'start', '--detach', '--port', '0', '--json']));
    const load = { token, connections: CONNECTIONS, body: '{"agentId":"scan-01","credentialName":"GITHUB_TOKEN"}' };
    const rounds: { plain: LoadResult; audited: LoadResult }[] = [];
    for (let round = -1; round < ROUNDS; round += 1) {
      const first = await runLoad({ ...load, port: plain.port, requests: REQUESTS });
      const second = await runLoad({ ...load, port: broker.httpPort, requests: REQUESTS });
      if (round >= 0) rounds.push({ plain: first, audited: second });
    }
    const atFirst = residentMiB(broker.pid);
    const middle: number[] = [];
    for (let part = 0; part < 4; part += 1) {
      const { answers } = await runLoad({ ...load, port: broker.httpPort, requests: MANY / 4 });
      if (answers.get(200) !== MANY / 4) throw new Error(`not all were answered: ${JSON.stringify([...answers])}`);
      middle.push(residentMiB(broker.pid));
    }
    const flood = await floodOf(
      { ...load, port: broker.httpPort, connections: 1, requests: HONEST },
      path.join(home, 'audit.jsonl'),
    );
    const verified = JSON.parse(run(['audit', 'verify', '--json']));
    if (verified.ok !== true) throw new Error('the log does not verify');
    return report(rounds, atFirst, middle, verified.records, flood);
  } finally {
    plain.end();
    try {
      run(['broker', 'stop']);
    } catch {
      // It was not started.
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(
  rounds: readonly { plain: LoadResult; audited: LoadResult }[],
  atFirst: number,
  later: readonly number[],
  records: number,
  flood: Flood,
): Report {
  const row = (what: string, results: readonly LoadResult[]) => {
    const rate = median(results.map(({ perSecond }) => perSecond));
    const at = (q: number) => median(results.map(({ latencies }) => quantile(latencies, q))).toFixed(2);
    return { what, result: `${Math.round(rate)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms` };
  };
  const slowdown = median(rounds.map(({ plain, audited }) => plain.perSecond / audited.perSecond));
  const most = Math.max(...later);
  return {
    title: `/resolve over ${CONNECTIONS} connections, medians of ${ROUNDS} interleaved rounds of ${REQUESTS}, Node ${process.version}`,
    rows: [
      row(
        'without log and rules',
        rounds.map(({ plain }) => plain),
      ),
      {
        ...row(
          'with rules, each on record and synced',
          rounds.map(({ audited }) => audited),
        ),
        ratio: slowdown,
        limit: 2,
      },
      {
        what: `memory of the broker after ${MANY} more (${records} records)`,
        result: `${atFirst.toFixed(0)} MiB, then ${later.map((size) => size.toFixed(0)).join(', ')} MiB`,
        ratio: most / MOST_MIB,
        limit: 1,
      },
      {
        what: `an honest request while ${FLOODING} others have no token that holds, to one without them`,
        result: `p50 ${flood.during.toFixed(2)} ms, alone ${flood.alone.toFixed(2)} ms (${flood.refused} refused)`,
        ratio: flood.during / flood.alone,
        limit: 2,
      },
      {
        what: `records of ${FLOOD_MS / 1_000} s of that, to 100`,
        result: `${flood.records}`,
        ratio: flood.records / 100,
        limit: 1,
      },
    ],
  };
}

interface Flood {
  readonly alone: number;
  readonly during: number;
  readonly refused: number;
  readonly records: number;
}

/** Asks for FLOOD_MS with a token that holds nothing, each as soon as it was answered, and honestly besides. */
async function floodOf(honest: Load, log: string): Promise<Flood> {
  const failures = (): number => readFileSync(log, 'utf8').match(/"type":"auth\.failed"/g)?.length ?? 0;
  const p50 = async (): Promise<number> => quantile((await runLoad(honest)).latencies, 0.5);
  const alone = [await p50(), await p50(), await p50()];
  const before = failures();
  const end = performance.now() + FLOOD_MS;
  let refused = 0;
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const options = { host: '127.0.0.1', port: honest.port, path: '/resolve', method: 'POST', agent: false };
      const outgoing = request({ ...options, headers: { authorization: 'Bearer none' } }, (response) => {
        refused += 1;
        response.resume().on('close', resolve);
      });
      outgoing.on('error', () => resolve()).end('{}');
    });
  const flood = Array.from({ length: FLOODING }, async () => {
    while (performance.now() < end) await ask();
  });
  const during: number[] = [];
  while (performance.now() < end) during.push(await p50());
  await Promise.all(flood);
  for (let round = 0; round < 3; round += 1) alone.push(await p50());
  return { alone: median(alone), during: median(during), refused, records: failures() - before };
}

function policy(): string {
  const others = Array.from({ length: 10 }, (_, at) => ({
    id: `other-${at}`,
    effect: 'allow',
    agentSelector: `other-${at}-*`,
    credentialSelector: 'GITHUB_TOKEN',
  }));
  const own = {
    id: 'scanners',
    effect: 'allow',
    agentSelector: 'scan-*',
    credentialSelector: 'GITHUB_*',
    constraints: { rateLimit: { maxPerMinute: 1_000_000 } },
  };
  return JSON.stringify({ version: 1, rules: [...others, own] });
}

async function startPlain(root: string, home: string, keyFile: string) {
  const cache = path.join(root, 'node_modules/.cache/hasp-bench');
  mkdirSync(cache, { recursive: true });
  const bundle = path.join(cache, `plain-broker-${process.pid}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [path.join(root, 'test/programs/plain-broker.ts')],
    outfile: bundle,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    external: ['koffi', 'libsodium-wrappers', 'libsodium-wrappers-sumo', 'better-sqlite3', '@node-rs/argon2'],
  });
  const child = spawn(process.execPath, [...FLAGS, bundle, home, keyFile], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return {
    port: Number(String(line)),
    end: () => {
      child.kill('SIGKILL');
      rmSync(bundle, { force: true });
    },
  };
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
