import { type ChildProcessWithoutNullStreams, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));

/** test/programs/writer.ts, made runnable for plain Node. */
export interface WriterProgram {
  run(...args: readonly (string | number)[]): SpawnSyncReturns<string>;
  start(...args: readonly (string | number)[]): ChildProcessWithoutNullStreams;
  remove(): void;
}

export function buildWriter(): WriterProgram {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hasp-audit-writer-'));
  const file = path.join(folder, 'writer.cjs');
  buildSync({
    entryPoints: [path.join(here, 'programs/writer.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['better-sqlite3'],
  });
  const options = { env: { PATH: process.env['PATH'], NODE_PATH: path.join(here, '../../../node_modules') } };
  const argv = (args: readonly (string | number)[]): string[] => [file, ...args.map(String)];
  return {
    run: (...args) => spawnSync(process.execPath, argv(args), { ...options, encoding: 'utf8' }),
    start: (...args) => spawn(process.execPath, argv(args), options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
