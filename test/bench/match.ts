import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { homeAt } from '@hasp/core';
import { openVaultWithKeyFile } from '@hasp/vault';
import { allSpellings } from '../../packages/match/src/spellings.fixture.ts';
import { compileStarter, measureInterleaved, type Report, type Row } from '../support/measure.ts';

const ROUNDS = 5;
const MIB = 1024 * 1024;
const CORPUS_MIB = 512;
/** How many values, and how much of ripgrep's CPU time may be used. */
const LIMITS = [
  [10, 0.5],
  [100, 0.2],
  [1000, 0.1],
] as const;

/** Whole processes, one file, one thread each: `hasp scan` for the values against `rg -F -f` for all their spellings. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-match-'));
  try {
    const starter = compileStarter(root, folder);
    const corpus = writeCorpus(path.join(folder, 'corpus'), path.join(root, 'node_modules'));
    const rows: Row[] = [];
    for (const [count, limit] of LIMITS) rows.push(...(await measure({ root, folder, starter, corpus, count, limit })));
    return {
      title: `${CORPUS_MIB} MiB of source and machine code, CPU time, medians of ${ROUNDS} interleaved runs`,
      rows,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Case {
  readonly root: string;
  readonly folder: string;
  readonly starter: string;
  readonly corpus: string;
  readonly count: number;
  readonly limit: number;
}

async function measure({ root, folder, starter, corpus, count, limit }: Case): Promise<Row[]> {
  const hasp = path.join(root, 'packages/cli/bin/hasp');
  const env = { ...process.env, HASP_HOME: path.join(folder, `home-${count}`) };
  execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const values = Array.from({ length: count }, (_, at) => valueAt(at));
  await addValues(env.HASP_HOME, values);
  const patterns = path.join(folder, `patterns-${count}`);
  const spellings = new Set(
    values.flatMap((value) => allSpellings(value).map((each) => Buffer.from(each).toString('latin1'))),
  );
  writeFileSync(patterns, `${[...spellings].join('\n')}\n`, 'latin1');
  const { scan, rg } = measureInterleaved(
    starter,
    {
      scan: { argv: [hasp, 'scan', '--all', corpus], env },
      // It ends with 1 if nothing is found.
      rg: { argv: ['sh', '-c', 'rg --no-config -a -c -j1 -F -f "$0" "$1"; test $? -eq 1', patterns, corpus], env },
    },
    ROUNDS,
  );
  const result = (ms: number): string => `${ms.toFixed(0)} ms`;
  return [
    { what: `rg -F -f, ${spellings.size} spellings`, result: result(rg.cpuMs), ratio: 1 },
    { what: `hasp scan, ${count} values`, result: result(scan.cpuMs), ratio: scan.cpuMs / rg.cpuMs, limit },
  ];
}

async function addValues(folder: string, values: readonly Uint8Array[]): Promise<void> {
  const home = homeAt(folder);
  const vault = openVaultWithKeyFile(home, { source: 'key-file', bytes: readFileSync(home.key) });
  for (const [at, value] of values.entries()) await vault.set(`s${at}`, value);
  vault.close();
}

/** Like what is in vaults: tokens with a well-known beginning, connection strings, random words. */
function valueAt(at: number): Buffer {
  const random = Buffer.from(`${at * 7919}-${at}-bench`)
    .toString('base64url')
    .repeat(2);
  return Buffer.from([`ghp_${random}`, `postgres://app:${random}@db`, random][at % 3] as string);
}

/** What there is of JavaScript and declarations under `from`, and a quarter of Node itself, over and over. */
function writeCorpus(file: string, from: string): string {
  const texts = readdirSync(from, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:[cm]?js|ts|json|md)$/.test(name))
    .sort();
  const machine = readFileSync(process.execPath).subarray(0, 32 * MIB);
  const out = openSync(file, 'w');
  let written = 0;
  for (let at = 0, code = 0; written < CORPUS_MIB * MIB; at += 1) {
    const next = written > 4 * code ? machine : readFileSync(path.join(from, texts[at % texts.length] as string));
    if (next === machine) code += machine.length;
    writeSync(out, next);
    written += next.length;
  }
  closeSync(out);
  return file;
}
