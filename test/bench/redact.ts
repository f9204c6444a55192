import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { homeAt } from '@hasp/core';
import { openVaultWithKeyFile } from '@hasp/vault';
import { compileStarter, measureInterleaved, type Report } from '../support/measure.ts';

const ROUNDS = 11;
const VALUES = 50;
const MANY_VALUES = 1_000;
const FIRST_MS = 50;
const PRINT = ['-e', 'V=hasp://s1', '--', 'echo', 'printed'];
const MIB = 1024 * 1024;
const STREAM_MIB = 512;
/** So many times as much: hasp's start counts less. */
const LONG = 4;

/** A pipe of `cat`s is the yardstick: the same bytes through one more process. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-redact-'));
  try {
    const hasp = path.join(root, 'packages/cli/bin/hasp');
    const env = { ...process.env, HASP_HOME: path.join(folder, 'home') };
    execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    await addValues(env.HASP_HOME, VALUES);
    const stream = writeStream(path.join(folder, 'stream'));
    const bindings = Array.from({ length: VALUES }, (_, at) => ['-e', `V${at}=hasp://s${at}`]).flat();
    const run = (redact: string) => [hasp, 'run', '--redact', redact, ...bindings, '--', 'cat', stream];
    const more = Array.from({ length: LONG }, () => stream);
    const many = { ...process.env, HASP_HOME: path.join(folder, 'many') };
    execFileSync(hasp, ['init', '--key-file'], { env: many, stdio: ['ignore', 'ignore', 'pipe'] });
    await addValues(many.HASP_HOME, MANY_VALUES);
    // What looks for them is made and kept by the first run that prints something.
    const first = (redact: string) => ['sh', '-c', '"$@" | cat', 'sh', hasp, 'run', '--redact', redact, ...PRINT];
    execFileSync('sh', first('always').slice(1), { env: many, stdio: ['ignore', 'ignore', 'pipe'] });
    const measured = measureInterleaved(
      compileStarter(root, folder),
      {
        plain: { argv: ['sh', '-c', 'cat "$0" | cat', stream], env },
        longPlain: { argv: ['sh', '-c', 'cat "$@" | cat', 'sh', ...more], env },
        longRedacted: { argv: [...run('always').slice(0, -1), ...more], env },
        none: { argv: run('never'), env },
        redacted: { argv: run('always'), env },
        piped: { argv: ['sh', '-c', '"$@" | cat', 'sh', ...run('always')], env },
        filter: { argv: ['sh', '-c', '"$0" redact <"$1"', hasp, stream], env },
        firstNever: { argv: first('never'), env: many },
        firstAlways: { argv: first('always'), env: many },
      },
      ROUNDS,
    );
    return report(measured);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Name =
  | 'plain'
  | 'longPlain'
  | 'longRedacted'
  | 'none'
  | 'redacted'
  | 'piped'
  | 'filter'
  | 'firstNever'
  | 'firstAlways';

function report(measured: Record<Name, { ms: number; peakMiB: number }>): Report {
  const { plain, longPlain, longRedacted, none, redacted, piped, filter, firstNever, firstAlways } = measured;
  const toPlain = ({ ms }: { ms: number }) => ({ result: `${ms.toFixed(0)} ms`, ratio: ms / plain.ms });
  const toFirst = firstAlways.ms - firstNever.ms;
  return {
    title: `${STREAM_MIB} MiB of code and machine code, ${VALUES} values, medians of ${ROUNDS} interleaved runs`,
    rows: [
      { what: 'cat | cat', ...toPlain(plain) },
      { what: 'hasp run --redact never -- cat, to cat | cat', ...toPlain(none) },
      { what: 'hasp run --redact always -- cat, to cat | cat', ...toPlain(redacted), limit: 1.4 },
      { what: 'the same with a further cat behind it, to cat | cat', ...toPlain(piped) },
      { what: `cat | cat, of ${LONG} times as much`, result: `${longPlain.ms.toFixed(0)} ms` },
      {
        what: 'hasp run --redact always -- cat of that, to that',
        result: `${longRedacted.ms.toFixed(0)} ms`,
        ratio: longRedacted.ms / longPlain.ms,
        limit: 1.4,
      },
      { what: 'hasp redact < file, to cat | cat', ...toPlain(filter) },
      { what: 'peak memory of hasp run with redaction', result: `${redacted.peakMiB.toFixed(1)} MiB` },
      {
        what: `the first output with ${MANY_VALUES} values, more than without redaction, to ${FIRST_MS} ms`,
        result: `${toFirst.toFixed(0)} ms`,
        ratio: toFirst / FIRST_MS,
        limit: 1,
      },
    ],
  };
}

async function addValues(folder: string, count: number): Promise<void> {
  const home = homeAt(folder);
  const vault = openVaultWithKeyFile(home, { source: 'key-file', bytes: readFileSync(home.key) });
  for (let at = 0; at < count; at += 1) {
    // Like what is in vaults: tokens with a well-known beginning, connection strings, random words.
    const random = Buffer.from(`${at * 7919}-${at}-bench`)
      .toString('base64url')
      .repeat(2);
    await vault.set(`s${at}`, Buffer.from([`ghp_${random}`, `postgres://app:${random}@db`, random][at % 3] as string));
  }
  vault.close();
}

/** Node itself and its own JavaScript, over and over. */
function writeStream(file: string): string {
  const binary = readFileSync(process.execPath).subarray(0, 32 * MIB);
  const text = readFileSync(process.execPath).subarray(-32 * MIB);
  const out = openSync(file, 'w');
  for (let written = 0; written < STREAM_MIB * MIB; written += binary.length + text.length) {
    writeSync(out, binary);
    writeSync(out, text);
  }
  closeSync(out);
  return file;
}
