import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

let box: Sandbox;
let middle: string;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'prod/db': 'value-of-prod-db', other: 'value-of-other' });
  await box.run(['run', '-e', 'DB=hasp://prod/db', '--reason', 'first', '--', 'sh', '-c', 'exit 7']);
  middle = new Date().toISOString();
  await box.run(['run', '-e', 'DB=hasp://prod/db', '-e', 'O=hasp://other', '--', 'sh', '-c', 'kill -9 $$']);
  await box.run(['run', '-e', 'DB=hasp://missing', '--', 'true']);
});
afterAll(() => box.remove());

const types = async (...filters: string[]) => (await box.log(...filters)).map(({ type }) => String(type));

it('prints one record a line, oldest first, with the fields that are fixed', async () => {
  const records = await box.log();
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
  for (const record of records) {
    expect(Object.keys(record).slice(0, 4)).toEqual(['v', 'seq', 'time', 'type']);
    expect(record['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

it('answers who touched a secret, and when', async () => {
  expect(await types('--secret', 'prod/db')).toEqual([
    'secret.set',
    'grant.issued',
    'grant.ended',
    'grant.issued',
    'grant.ended',
  ]);
  expect(await types('--secret', 'hasp://prod/db', '--since', middle)).toEqual(['grant.issued', 'grant.ended']);
  expect(await types('--secret', 'prod/db', '--until', middle)).toEqual(['secret.set', 'grant.issued', 'grant.ended']);
  expect(await types('--type', 'grant.denied')).toEqual(['grant.denied']);
  expect(await types('--since', '1h ago', '--until', '10m ago')).toEqual([]);
  expect(await types('--agent', 'nobody')).toEqual([]);
  expect(await types('--session', 'none', '--project', 'none')).toEqual([]);
});

it('shows a person one line a grant, with how it ended', async () => {
  const text = await box.ok(['audit', 'log', '--secret', 'prod/db']);
  const [, first, second] = text.split('\n');
  expect(first).toMatch(
    /grant\.issued {2}prod\/db {2}v1 {2}env DB {2}reason=first {2}\[sh -c exit 7\] {2}exited 7 after \d+/,
  );
  expect(second).toMatch(/signalled by SIGKILL after/);
  expect(text.trimEnd().split('\n')).toHaveLength(3);
});

it('refuses what is no time', async () => {
  const { status, stderr } = await box.run(['audit', 'log', '--since', 'whenever', '--json']);
  expect(status).toBe(2);
  expect(stderr.toString()).toContain('"E_USAGE"');
});

it('works while the vault is locked', async () => {
  const locked = box.clone();
  rmSync(path.join(locked.home, 'vault.key'));
  expect((await locked.log()).length).toBe((await box.log()).length);
  locked.remove();
});

it('writes nothing into a reader that went away', async () => {
  const script = `"$0" audit log --json | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await box.other([
    'bash',
    '-c',
    script,
    path.resolve(import.meta.dirname, '../packages/cli/bin/hasp'),
  ]);
  expect(stdout.toString()).toMatch(/^1\n(?:0|141)\n$/);
  expect(stderr.toString()).toBe('');
});

it('prints the ends of grants, asked for by their type', async () => {
  const { stdout } = await box.run(['audit', 'log', '--type', 'grant.ended']);
  const lines = stdout.toString().trimEnd().split('\n');
  expect(lines).toHaveLength((await types('--type', 'grant.ended')).length);
  expect(lines[0]).toMatch(/grant\.ended {2}prod\/db {2}exited 7 after /);
});
