import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileStarter, measureInterleaved, type Report } from '../support/measure.ts';

const ROUNDS = 31;
const COMMAND = ['run', '-e', 'X=hasp://a', '--', 'true'];

/** A run that asks an unlocked broker, to the start of Node. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-'));
  const hasp = path.join(root, 'packages/cli/bin/hasp');
  const served = { ...process.env, HASP_HOME: path.join(folder, 'served') };
  const alone = { ...process.env, HASP_HOME: path.join(folder, 'alone') };
  try {
    for (const env of [served, alone]) {
      execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
      execFileSync(hasp, ['secret', 'set', 'a'], { env, input: 'a-value-of-some-length', stdio: 'pipe' });
    }
    execFileSync(hasp, ['unlock'], { env: served, stdio: ['ignore', 'ignore', 'pipe'] });
    const { node, run, own } = measureInterleaved(
      compileStarter(root, folder),
      {
        node: { argv: [process.execPath, '-e', '0'], env: process.env },
        run: { argv: [hasp, ...COMMAND], env: served },
        own: { argv: [hasp, ...COMMAND], env: alone },
      },
      ROUNDS,
    );
    const ms = (value: number): string => `${value.toFixed(1)} ms`;
    return {
      title: `hasp run through a broker, medians of ${ROUNDS} interleaved runs, Node ${process.version}`,
      rows: [
        { what: 'node -e 0', result: ms(node.ms), ratio: 1 },
        { what: 'hasp run through a broker, to node -e 0', result: ms(run.ms), ratio: run.ms / node.ms, limit: 1.8 },
        { what: 'hasp run without one, to node -e 0', result: ms(own.ms), ratio: own.ms / node.ms },
        { what: 'peak memory through a broker', result: `${run.peakMiB.toFixed(1)} MiB` },
      ],
    };
  } finally {
    execFileSync(hasp, ['broker', 'stop'], { env: served, stdio: ['ignore', 'ignore', 'pipe'] });
    rmSync(folder, { recursive: true, force: true });
  }
}
