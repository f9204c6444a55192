import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AuditLog } from '@hasp/audit';
import { type AuditEvent, homeAt } from '@hasp/core';
import { openVaultWithKeyFile } from '@hasp/vault';
import { compileStarter, measureInterleaved, type Report } from '../support/measure.ts';

const ROUNDS = 31;
const MANY_SECRETS = 10_000;
const MANY_RECORDS = 100_000;

/** The start of Node is the yardstick: what hasp adds to a command, whatever the machine. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-'));
  try {
    const hasp = path.join(root, 'packages/cli/bin/hasp');
    const small = makeHome(hasp, path.join(folder, 'small'));
    const large = makeHome(hasp, path.join(folder, 'large'));
    await fill(large);
    const run = [hasp, 'run', '-e', 'X=hasp://a', '--', 'true'];
    const measured = measureInterleaved(
      compileStarter(root, folder),
      {
        node: { argv: [process.execPath, '-e', '0'], env: process.env },
        help: { argv: [hasp, '--help'], env: inHome(small) },
        run: { argv: run, env: inHome(small) },
        runLarge: { argv: run, env: inHome(large) },
      },
      ROUNDS,
    );
    return report(measured);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(measured: Record<'node' | 'help' | 'run' | 'runLarge', { ms: number; peakMiB: number }>): Report {
  const { node, help, run, runLarge } = measured;
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const MiB = (value: number): string => `${value.toFixed(1)} MiB`;
  return {
    title: `hasp run with a key file, medians of ${ROUNDS} interleaved runs, Node ${process.version}`,
    rows: [
      { what: 'node -e 0', result: ms(node.ms), ratio: 1 },
      { what: 'hasp --help, to node -e 0', result: ms(help.ms), ratio: help.ms / node.ms, limit: 2.2 },
      { what: 'hasp run -e X=hasp://a -- true, to node -e 0', result: ms(run.ms), ratio: run.ms / node.ms, limit: 2.3 },
      {
        what: `the same with ${MANY_SECRETS} secrets and ${MANY_RECORDS} records, to without`,
        result: ms(runLarge.ms),
        ratio: runLarge.ms / run.ms,
        limit: 1.15,
      },
      { what: 'node -e 0, peak memory', result: MiB(node.peakMiB) },
      { what: 'hasp run, peak memory, to 55 MiB', result: MiB(run.peakMiB), ratio: run.peakMiB / 55, limit: 1 },
      {
        what: 'with many, peak memory, to 55 MiB',
        result: MiB(runLarge.peakMiB),
        ratio: runLarge.peakMiB / 55,
        limit: 1,
      },
    ],
  };
}

function inHome(home: string): Record<string, string | undefined> {
  return { ...process.env, HASP_HOME: home };
}

/** A vault that a key file opens, with one secret. */
function makeHome(hasp: string, home: string): string {
  const env = inHome(home);
  execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  execFileSync(hasp, ['secret', 'set', 'a'], {
    env,
    input: 'correct-horse-battery',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  return home;
}

/** Adds what ten thousand `secret set` and ninety thousand other records would have, without starting as many processes. */
async function fill(folder: string): Promise<void> {
  const home = homeAt(folder);
  const vault = openVaultWithKeyFile(home, { source: 'key-file', bytes: readFileSync(home.key) });
  const log = AuditLog.open(home, Date.now);
  for (let count = 1; count < MANY_SECRETS; count += 1)
    await vault.set(`many/s${count}`, Buffer.from(`value-${count}`));
  const batch = Array.from(
    { length: 1_000 },
    (_, at): AuditEvent => ({ type: 'secret.set', secret: `many/s${at}`, version: 1 }),
  );
  for (let count = 0; count < MANY_RECORDS; count += batch.length) vault.writeMark(log.append(batch));
  log.close();
  vault.close();
}
