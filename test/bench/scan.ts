import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { homeAt } from '@hasp/core';
import { openVaultWithKeyFile } from '@hasp/vault';
import { type Command, compileStarter, measureInterleaved, type Report } from '../support/measure.ts';

const ROUNDS = 5;
const FILES = 100_000;
const LARGEST = 64 * 1024;

/** The yardstick is `cat` of the same files, found by find(1), and nothing done with what it reads. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-scan-'));
  try {
    const { bytes, folders } = makeTree(root, path.join(folder, 'tree'));
    const hasp = path.join(root, 'packages/cli/bin/hasp');
    const scan = async (values: number, ...argv: string[]): Promise<Command> => {
      const env = { ...process.env, HASP_HOME: path.join(folder, `home-${values}`) };
      await makeVault(hasp, env, values);
      return { argv: [hasp, 'scan', ...argv], env };
    };
    const tree = path.join(folder, 'tree');
    const env = { ...process.env };
    const plain = { argv: ['sh', '-c', 'find "$0" -type f -print0 | xargs -0 cat >/dev/null', tree], env };
    const [ten, thousand] = [await scan(10, tree), await scan(1_000, tree)];
    const starter = compileStarter(root, folder);
    const outside = measureInterleaved(starter, { plain, ten, thousand }, ROUNDS);
    execFileSync('git', ['init', '-q'], { cwd: tree });
    const list = 'git -C "$0" ls-files -z --cached --others --exclude-standard | (cd "$0" && xargs -0 cat >/dev/null)';
    const listed = { argv: ['sh', '-c', list, tree], env };
    const inside = measureInterleaved(starter, { listed, ten }, ROUNDS);
    const row = (
      what: string,
      measured: { ms: number; cpuMs: number; peakMiB: number },
      to: typeof measured,
      limit?: number,
    ) => ({
      what,
      result: `${measured.cpuMs.toFixed(0)} ms, ${measured.ms.toFixed(0)} ms, ${measured.peakMiB.toFixed(0)} MiB`,
      ratio: measured.cpuMs / to.cpuMs,
      ...(limit === undefined ? {} : { limit }),
    });
    return {
      title: `${FILES} files in ${folders} folders, ${(bytes / 1e6).toFixed(0)} MB; CPU, time, peak memory; the ratio is of CPU; medians of ${ROUNDS} interleaved runs`,
      rows: [
        row('find | xargs cat', outside.plain, outside.plain),
        row('hasp scan, 10 values', outside.ten, outside.plain, 1.2),
        row('hasp scan, 1000 values', outside.thousand, outside.plain),
        row('git ls-files | xargs cat', inside.listed, inside.listed),
        row('hasp scan, 10 values, in a git repository', inside.ten, inside.listed, 1.2),
        {
          what: 'the first one in time, to find | xargs cat',
          result: '',
          ratio: outside.ten.ms / outside.plain.ms,
          limit: 1.2,
        },
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a project's dependencies are made of, over and over. */
function makeTree(root: string, tree: string): { bytes: number; folders: number } {
  const modules = path.join(root, 'node_modules');
  // A checkout may have its node_modules, or parts of them, elsewhere.
  const found = execFileSync('find', ['-L', modules, '-type', 'f'], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const sources = found
    .split('\n')
    .filter((file) => /\.(?:[cm]?[jt]s|json|md|map|h|cc?|css|html|ya?ml)$/.test(file))
    .map((file) => ({ file, name: path.relative(modules, file), size: statSync(file).size }))
    .filter(({ size }) => size <= LARGEST);
  const folders = new Set<string>();
  let bytes = 0;
  for (let at = 0; at < FILES; at += 1) {
    const { file, name, size } = sources[at % sources.length] as (typeof sources)[number];
    const copy = path.join(tree, `${Math.floor(at / sources.length)}`, name);
    const folder = path.dirname(copy);
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
    folders.add(folder);
    copyFileSync(file, copy);
    bytes += size;
  }
  return { bytes, folders: folders.size };
}

async function makeVault(hasp: string, env: Record<string, string | undefined>, values: number): Promise<void> {
  execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const home = homeAt(env['HASP_HOME'] as string);
  const vault = openVaultWithKeyFile(home, { source: 'key-file', bytes: readFileSync(home.key) });
  for (let at = 0; at < values; at += 1) {
    // Like what is in vaults: tokens with a well-known beginning, connection strings, random words.
    const random = Buffer.from(`${at * 7919}-${at}-bench`)
      .toString('base64url')
      .repeat(2);
    await vault.set(`s${at}`, Buffer.from([`ghp_${random}`, `postgres://app:${random}@db`, random][at % 3] as string));
  }
  vault.close();
}
