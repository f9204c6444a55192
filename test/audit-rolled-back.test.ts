import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

const FILES = ['audit.jsonl', 'audit.seal'];
const RUN = ['run', '-e', 'X=hasp://a', '--', 'true'];
let box: Sandbox;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ a: 'value-of-a' });
  return () => box.remove();
});

const place = (name: string) => path.join(box.home, name);

/** Each is a record, and needs no key of the vault. */
async function failToUnlock(times: number): Promise<void> {
  const file = path.join(box.root, 'other.key');
  writeFileSync(file, randomBytes(32), { mode: 0o600 });
  for (let at = 0; at < times; at++) {
    expect((await box.run(['secret', 'list', '--key-file', file])).status).toBe(3);
  }
}

describe('log and seal that were put back, and have grown past the mark since', () => {
  it('are found by every command that opens both, none of which moves the mark', async () => {
    const kept = FILES.map((name) => readFileSync(place(name)));
    await box.ok(['run', '--reason', 'to be hidden', ...RUN.slice(1)]);
    FILES.forEach((name, at) => {
      writeFileSync(place(name), kept[at] ?? '');
    });
    await failToUnlock(4);
    const statuses: number[] = [];
    for (const argv of [RUN, ['secret', 'list'], ['vault', 'backup', 'b'], ['unlock'], ['audit', 'verify']]) {
      statuses.push((await box.run(argv)).status ?? -1);
    }
    expect((await box.run(['secret', 'set', 'b'], { stdin: 'value-of-b' })).status).toBe(6);
    expect(statuses).toEqual([125, 6, 6, 6, 6]);
    const { stdout } = await box.run(['audit', 'verify', '--json']);
    expect(JSON.parse(stdout.toString())).toMatchObject({ ok: false, problem: { code: 'rolled-back' } });
  });
});

describe('log and seal that are put back under a broker that is unlocked', () => {
  it('get nothing more from it, however far they grow', async () => {
    await box.ok(['broker', 'start', '--detach', '--port', '0']);
    const kept = FILES.map((name) => readFileSync(place(name)));
    await box.ok(['run', '--reason', 'to be hidden', ...RUN.slice(1)]);
    FILES.forEach((name, at) => {
      writeFileSync(place(name), kept[at] ?? '');
    });
    expect((await box.run(RUN)).status).toBe(125);
    await failToUnlock(5);
    expect((await box.run(RUN)).status).toBe(125);
    await box.run(['broker', 'stop']);
    const { status, stdout } = await box.run(['audit', 'verify', '--json']);
    expect([status, JSON.parse(stdout.toString()).problem.code]).toEqual([6, 'rolled-back']);
  });
});

it('a log that has grown past the mark by itself is as good as before', async () => {
  await box.ok(RUN);
  await failToUnlock(3);
  await box.ok(RUN);
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
});
