import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { SecondThread } from '../src/verify-in-two.ts';

/** The second thread's program, for logs of any size; and in its place, others. */
export interface SecondPrograms {
  readonly built: SecondThread;
  other(code: string): SecondThread;
  remove(): void;
}

export function buildSecondThread(): SecondPrograms {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hasp-audit-second-'));
  const program = path.join(folder, 'second.cjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('../src/second-half-thread.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['better-sqlite3'],
  });
  return {
    built: { program, worthBytes: 0 },
    other(code) {
      const other = path.join(folder, 'other.cjs');
      writeFileSync(other, code);
      return { program: other, worthBytes: 0 };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
