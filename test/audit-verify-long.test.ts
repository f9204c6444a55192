import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AuditLog } from '@hasp/audit';
import { homeAt } from '@hasp/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Of 2 kB each: more than 16 MiB. */
const RECORDS = 10_001;
const FIRST = 2;

let box: Sandbox;
const log = () => path.join(box.home, 'audit.jsonl');
const verify = (through: readonly string[] = []) => box.run(['audit', 'verify', '--json'], { through });

beforeAll(async () => {
  box = await Sandbox.withSecrets({ a: 'value-of-a' });
  const writer = AuditLog.open(homeAt(box.home), Date.now);
  const batch = Array.from(
    { length: 1_000 },
    (_, i) => ({ type: 'secret.set', secret: `${i}/`.padEnd(1_900, 'x'), version: i }) as const,
  );
  for (let left = RECORDS - FIRST; left > 0; left -= batch.length) writer.append(batch.slice(0, left));
  writer.close();
});
afterAll(() => box.remove());

describe.runIf(os.availableParallelism() > 1)('a long log, on several processors', () => {
  it('is verified by two threads, with the report of one', async () => {
    expect(readFileSync(log()).length).toBeGreaterThan(16 << 20);
    const two = await verify();
    const one = await verify(['taskset', '-c', '0']);
    expect(JSON.parse(two.stdout.toString())).toMatchObject({ ok: true, records: RECORDS });
    expect(two.stdout).toEqual(one.stdout);
    expect([two.stderr.toString(), two.status, one.status]).toEqual(['', 0, 0]);
  });

  it('is broken where one thread says so, in either half', async () => {
    const bytes = readFileSync(log());
    for (const at of [1_000_000, bytes.length - 1_000_000]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(log(), changed);
      const two = await verify();
      const one = await verify(['taskset', '-c', '0']);
      expect(two.status).toBe(6);
      expect(two.stdout).toEqual(one.stdout);
    }
    writeFileSync(log(), bytes);
  });

  it('would be trusted to the second thread for its half alone', async () => {
    const app = path.join(box.root, 'app');
    mkdirSync(app);
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(app, 'node_modules'));
    for (const part of ['bin', 'dist'])
      cpSync(path.join(ROOT, 'packages/cli', part), path.join(app, 'packages/cli', part), { recursive: true });
    const second = path.join(app, 'packages/cli/dist/verify-second-half.cjs');
    const liar = `const { parentPort, workerData: { border } } = require('node:worker_threads');
      parentPort.postMessage({ ...border, seq: 4711000, line: 0, lastOffset: border.offset, fenced: 0 });`;
    writeFileSync(second, liar);
    const hasp = [path.join(app, 'packages/cli/bin/hasp'), 'audit', 'verify', '--json'];
    const verified = async () => JSON.parse((await box.other(hasp)).stdout.toString());
    expect(await verified()).toMatchObject({ ok: true, records: 4_711_000 });
    const bytes = readFileSync(log());
    writeFileSync(log(), Buffer.from(bytes).fill('y', 5_000, 5_001));
    expect(await verified()).toMatchObject({ ok: false, records: expect.any(Number), problem: { code: 'altered' } });
    writeFileSync(log(), bytes);
  });
});
