import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Home, homeAt } from '@hasp/core';
import { openVaultWithKeyFile, openVaultWithPassphrase, type Vault } from '@hasp/vault';
import { compileStarter, measureInterleaved, type Report, type Row } from '../support/measure.ts';

const ROUNDS = 21;
const MANY = 10_000;
const READS = 10_000;
const SETS = 200;
const PASSPHRASE = 'correct horse battery staple';

/** A vault of one secret and one of ten thousand, side by side: what grows with the vault, and what does not. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-vault-'));
  try {
    const hasp = path.join(root, 'packages/cli/bin/hasp');
    const small = makeHome(hasp, path.join(folder, 'small'));
    const large = makeHome(hasp, path.join(folder, 'large'));
    const phrase = makeHome(hasp, path.join(folder, 'phrase'), PASSPHRASE);
    const filled = await fill(large);
    const commands = measureCommands(compileStarter(root, folder), hasp, small.root, large.root);
    const inProcess = await measureInProcess(small, large, phrase);
    return {
      title: `The vault, medians of ${ROUNDS} interleaved runs, Node ${process.version}`,
      rows: [...commands, ...inProcess, { what: `${MANY} secrets set, a transaction each`, result: seconds(filled) }],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whole commands: what a person waits for. */
function measureCommands(starter: string, hasp: string, small: string, large: string): Row[] {
  const inHome = (home: string, ...words: string[]) => ({
    argv: ['/bin/sh', '-c', 'exec "$@" <"$0" >"$0.out" 2>&1', path.join(home, 'vault.key'), hasp, 'secret', ...words],
    env: { ...process.env, HASP_HOME: home },
  });
  const of = measureInterleaved(
    starter,
    {
      node: { argv: [process.execPath, '-e', '0'], env: process.env },
      list: inHome(small, 'list'),
      listMany: inHome(large, 'list'),
      show: inHome(small, 'show', 'a'),
      showMany: inHome(large, 'show', 'a'),
      set: inHome(small, 'set', 'b'),
      setMany: inHome(large, 'set', 'b'),
    },
    ROUNDS,
  );
  const row = (what: string, measured: { ms: number }, to: { ms: number }, limit?: number): Row => ({
    what,
    result: `${measured.ms.toFixed(0)} ms`,
    ratio: measured.ms / to.ms,
    ...(limit === undefined ? {} : { limit }),
  });
  return [
    row('node -e 0', of.node, of.node),
    row('hasp secret list, of 1, to node -e 0', of.list, of.node),
    row(`hasp secret list, of ${MANY}, to of 1`, of.listMany, of.list),
    row(`hasp secret show, of ${MANY}, to of 1`, of.showMany, of.show, 1.15),
    row(`hasp secret set, of ${MANY}, to of 1`, of.setMany, of.set, 1.15),
    { what: `hasp secret list, of ${MANY}, peak memory`, result: `${of.listMany.peakMiB.toFixed(0)} MiB` },
  ];
}

async function measureInProcess(small: Home, large: Home, phrase: Home): Promise<Row[]> {
  const rates = { open: [] as number[], stretch: [] as number[], read: [] as number[], readMany: [] as number[] };
  const more = { list: [] as number[], set: [] as number[], setMany: [] as number[] };
  for (let round = 0; round < 5; round += 1) {
    rates.open.push(timed(() => openWithKey(large).close()));
    const start = performance.now();
    (await openVaultWithPassphrase(phrase, { source: 'passphrase', bytes: Buffer.from(PASSPHRASE) })).close();
    rates.stretch.push(performance.now() - start);
    const [few, many] = [openWithKey(small), openWithKey(large)];
    rates.read.push(timed(() => readAll(few, () => 'a')));
    rates.readMany.push(timed(() => readAll(many, (at) => `many/s${at}`)));
    more.list.push(timed(() => many.list()));
    more.set.push(await setSome(few));
    more.setMany.push(await setSome(many));
    few.close();
    many.close();
  }
  const ratio = (one: number[], other: number[]): number => median(one.map((ms, at) => ms / (other[at] as number)));
  const perSecond = (count: number, ms: readonly number[]): string => `${Math.round((count * 1000) / median(ms))} /s`;
  return [
    { what: 'open with a key file, in process', result: `${median(rates.open).toFixed(1)} ms` },
    { what: 'open with a passphrase (Argon2id, 64 MiB)', result: `${median(rates.stretch).toFixed(0)} ms` },
    { what: 'read one, in process', result: perSecond(READS, rates.read) },
    {
      what: `read ${MANY} different ones of ${MANY}, to that`,
      result: perSecond(READS, rates.readMany),
      ratio: ratio(rates.readMany, rates.read),
    },
    { what: `list ${MANY}, in process`, result: `${median(more.list).toFixed(0)} ms` },
    { what: 'set one, on disk, in process', result: perSecond(SETS, more.set) },
    {
      what: `the same among ${MANY}, to that`,
      result: perSecond(SETS, more.setMany),
      ratio: ratio(more.setMany, more.set),
    },
  ];
}

function openWithKey(home: Home): Vault {
  return openVaultWithKeyFile(home, { source: 'key-file', bytes: readFileSync(home.key) });
}

function readAll(vault: Vault, nameOf: (at: number) => string): void {
  for (let at = 0; at < READS; at += 1) vault.get({ name: nameOf(at % MANY) }).value.wipe();
}

async function setSome(vault: Vault): Promise<number> {
  const start = performance.now();
  for (let at = 0; at < SETS; at += 1) await vault.rotate('c', Buffer.from(`value-${at}`), { forget: true });
  return performance.now() - start;
}

/** With two secrets to be read and replaced. */
function makeHome(hasp: string, root: string, passphrase?: string): Home {
  const env = { ...process.env, HASP_HOME: root };
  const how = passphrase === undefined ? ['--key-file'] : ['--passphrase-fd', '0'];
  execFileSync(hasp, ['init', ...how], { env, input: passphrase ?? '', stdio: ['pipe', 'ignore', 'pipe'] });
  if (passphrase !== undefined) return homeAt(root);
  for (const name of ['a', 'c']) {
    execFileSync(hasp, ['secret', 'set', name], { env, input: 'correct-horse', stdio: ['pipe', 'ignore', 'pipe'] });
  }
  return homeAt(root);
}

async function fill(home: Home): Promise<number> {
  const vault = openWithKey(home);
  const start = performance.now();
  for (let at = 0; at < MANY; at += 1) await vault.set(`many/s${at}`, Buffer.from(`value-${at}`));
  const took = performance.now() - start;
  vault.close();
  return took;
}

function timed(deed: () => void): number {
  const start = performance.now();
  deed();
  return performance.now() - start;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}
