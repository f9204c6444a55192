import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow, Sandbox } from './support/sandbox.ts';

const value = (name: string) => `${name}-${randomBytes(12).toString('hex')}`;
const GRANTED = value('granted');
const OTHER = value('other');
const OLD = value('old');
const NEW = value('new');

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': GRANTED, 'db/url': OTHER, 'npm/token': OLD });
  await box.set('npm/token', NEW);
});
afterAll(() => box.remove());

const run = (...command: string[]) => box.run(['run', '-e', 'KEY=hasp://api/key', '--', ...command]);

describe('a value that the run was not granted', () => {
  it('is masked like one that it was', async () => {
    const { status, stdout, stderr } = await run('sh', '-c', `echo "$KEY ${OTHER}"; echo ${OTHER} >&2`);
    expect([status, stdout.toString(), stderr.toString()]).toEqual([
      0,
      '[hasp:api/key] [hasp:db/url]\n',
      '[hasp:db/url]\n',
    ]);
  });

  it('is masked in each of its versions, under the name of its secret', async () => {
    const { stdout } = await run('printf', '%s,%s', OLD, NEW);
    expect(stdout.toString()).toBe('[hasp:npm/token],[hasp:npm/token]');
  });

  it('is masked once it is set, by the run that starts then', async () => {
    const late = value('late');
    const script = `printf %s ${late} | hasp secret set late/one 2>/dev/null; echo ${late}`;
    await run('sh', '-c', script.replace('hasp', path.resolve('packages/cli/bin/hasp')));
    expect((await run('echo', late)).stdout.toString()).toBe('[hasp:late/one]\n');
  });
});

describe('a value that the command colours', () => {
  it('is masked, with what the terminal was told kept behind it', async () => {
    const piece = GRANTED.slice(4, 12);
    const { stdout } = await run('sh', '-c', `echo "key: $KEY." | grep --color=always ${piece}`);
    expect(stdout.toString()).toContain('key: [hasp:api/key]');
    const escapes = /\u001b\[[0-9;]*[mK]/g;
    expect(stdout.toString().replaceAll(escapes, '')).toBe('key: [hasp:api/key].\n');
    expect(stdout.toString().match(escapes)?.at(-1)).toBe('\u001b[K');
  });

  it('is masked letter by letter, in writes of their own', async () => {
    const script = `const fs = require('fs');
      for (const c of process.env.KEY) { fs.writeSync(1, '\\x1b[3' + (c.charCodeAt(0) % 8) + 'm'); fs.writeSync(1, c); }`;
    const { stdout } = await run('node', '-e', script);
    expect(stdout.toString().replaceAll(/\u001b\[3.m/g, '')).toBe('[hasp:api/key]');
  });
});

describe('a granted value', () => {
  it('is masked to the end, also if it is removed or replaced before the first byte of output', async () => {
    const hasp = path.resolve('packages/cli/bin/hasp');
    const gone = value('gone');
    await box.set('soon/gone', gone);
    // Removing ends the run; what it says in its grace is still its output.
    const script = `trap 'echo "last $KEY"; exit 4' TERM; "${hasp}" secret rm soon/gone 2>/dev/null & while :; do sleep 0.05; done`;
    const { stdout } = await box.run(['run', '-e', 'KEY=hasp://soon/gone', '--', 'sh', '-c', script]);
    expect(stdout.toString()).toBe('last [hasp:soon/gone]\n');
  });
});

describe('what was made of many values to look for them', () => {
  it('is kept in the vault, follows every change of it, and shows no value', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const values = new Map(names.map((name) => [name, value(name)]));
    const many = await Sandbox.withSecrets(Object.fromEntries(values));
    const kept = (): number => {
      const database = new Sqlite(path.join(many.home, 'vault.db'));
      const row = database.prepare('SELECT count(*) AS n FROM versions WHERE secret = zeroblob(16)').get() as {
        n: number;
      };
      database.close();
      return row.n;
    };
    const shown = async (text: string) =>
      (await many.run(['run', '-e', 'KEY=hasp://a', '--', 'printf', '%s', text])).stdout.toString();
    try {
      expect(kept()).toBe(0);
      const masked = names.map((name) => `[hasp:${name}]`).join();
      expect(await shown([...values.values()].join())).toBe(masked);
      expect(kept()).toBe(1);
      for (const one of values.values()) {
        // The log has the arguments of the command, as this test gave them.
        const files = filesBelow(many.home).filter((file) => !file.endsWith('audit.jsonl'));
        for (const file of files) expect([file, readFileSync(file).includes(one)]).toEqual([file, false]);
      }
      expect(await shown([...values.values()].join())).toBe(masked);
      expect((await many.run(['redact'], { stdin: values.get('f') ?? '' })).stdout.toString()).toBe('[hasp:f]');
      const later = value('later');
      await many.set('b', later);
      expect(kept()).toBe(0);
      expect(await shown(`${later},${values.get('b')}`)).toBe('[hasp:b],[hasp:b]');
      await many.ok(['secret', 'rm', 'c']);
      expect(kept()).toBe(0);
      expect(await shown(`${later},${values.get('c')}`)).toBe(`[hasp:b],${values.get('c')}`);
      await many.ok(['secret', 'rename', 'd', 'renamed/d']);
      expect(await shown(values.get('d') ?? '')).toBe('[hasp:renamed/d]');
    } finally {
      many.remove();
    }
  });
});

describe('where the values can not be read', () => {
  let broken: Sandbox;
  beforeAll(async () => {
    broken = await Sandbox.withSecrets({ 'api/key': GRANTED, 'db/url': OTHER });
    const database = new Sqlite(path.join(broken.home, 'vault.db'));
    // The last that was added is not the granted one.
    database.exec('UPDATE versions SET sealed = zeroblob(112) WHERE rowid = (SELECT max(rowid) FROM versions)');
    database.close();
  });
  afterAll(() => broken.remove());
  const tryIt = (options: readonly string[], script: string) =>
    broken.run(['run', '-e', 'KEY=hasp://api/key', ...options, '--', 'sh', '-c', script]);

  it('nothing of the output is shown, the reason is, and it is no success', async () => {
    const { status, stdout, stderr } = await tryIt([], `echo "seen $KEY"; sleep 0.2; exit 0`);
    expect([status, stdout.toString()]).toEqual([125, '']);
    expect(stderr.toString()).toMatch(/^hasp: output is withheld: .*vault.*\n$/);
  });

  it('the command’s own failure stays its own', async () => {
    expect((await tryIt([], `echo "$KEY"; sleep 0.2; exit 7`)).status).toBe(7);
  });

  it('a command that prints nothing has not noticed: nothing was opened for it', async () => {
    const { status, stderr } = await tryIt([], 'test -n "$KEY"');
    expect([status, stderr.toString()]).toEqual([0, '']);
  });

  it('one that is not redacted has its output', async () => {
    expect((await tryIt(['--redact', 'never'], 'echo shown')).stdout.toString()).toBe('shown\n');
  });
});
