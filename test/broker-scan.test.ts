import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

const PASSPHRASE = 'correct horse battery staple';
const VALUE = `value-${randomBytes(12).toString('hex')}`;

let box: Sandbox;
beforeAll(async () => {
  box = new Sandbox();
  await withPassphrase(['init']);
  await withPassphrase(['secret', 'set', 'api/key'], VALUE);
  await withPassphrase(['secret', 'set', 'short'], 'abc');
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

/** The passphrase on descriptor 3, as a script gives it. */
async function withPassphrase(argv: readonly string[], stdin = ''): Promise<void> {
  const running = box.start([...argv, '--passphrase-fd', '3'], { descriptors: ['pipe'], stdin });
  const pipe = running.child.stdio[3] as NodeJS.WritableStream;
  pipe.end(PASSPHRASE);
  expect((await running.ended).stderr.toString()).not.toContain('→');
}

function git(...words: string[]): { status: number; stderr: string } {
  const environment = { ...box.environment, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const identity = ['-c', 'user.name=someone', '-c', 'user.email=some@one'];
  try {
    execFileSync('git', [...identity, ...words], { cwd: path.join(box.cwd, 'repo'), env: environment, stdio: 'pipe' });
    return { status: 0, stderr: '' };
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: Buffer };
    return { status, stderr: stderr.toString() };
  }
}

describe('without a terminal, in a vault with a passphrase', () => {
  it('nothing is called clean while no broker is unlocked', async () => {
    box.write('some/file', 'nothing in it');
    expect(await box.run(['scan', 'some'])).toMatchObject({ status: 3 });
  });
});

describe('through an unlocked broker', () => {
  beforeAll(() => withPassphrase(['unlock']));

  it('a scan finds what it finds without one: raw, encoded, packed, in names and across pieces', async () => {
    const encoded = Buffer.from(`user:${VALUE}`).toString('base64');
    box.write('tree/raw', `x ${VALUE}`);
    box.write('tree/encoded', `Authorization: Basic ${encoded}`);
    box.write('tree/packed.gz', gzipSync(`packed ${VALUE}`));
    box.write('tree/large', Buffer.concat([Buffer.alloc(5 * 1024 * 1024, '.'), Buffer.from(VALUE), Buffer.alloc(9)]));
    box.write(`tree/${VALUE}`, 'empty');
    box.write('tree/clean', 'clean'.repeat(1_000));
    const { status, stdout } = await box.run(['scan', 'tree', '--json']);
    const { findings } = JSON.parse(stdout.toString()) as {
      findings: { secret: string; path: string; offset: number }[];
    };
    expect(status).toBe(6);
    expect(stdout.toString()).not.toContain(VALUE);
    expect(findings.map(({ path: file }) => file).sort()).toEqual([
      'tree/[hasp:api/key]',
      'tree/encoded',
      'tree/large',
      'tree/packed.gz!/(unpacked)',
      'tree/raw',
    ]);
    expect(findings.find(({ path: file }) => file === 'tree/large')?.offset).toBe(5 * 1024 * 1024);
    expect(await box.run(['scan', 'tree/clean'])).toMatchObject({ status: 0 });
  });

  it('what comes on stdin is looked at, and short values are named as not watched', async () => {
    const found = await box.run(['scan', '--stdin', '--json'], { stdin: `so ${VALUE}` });
    expect(found).toMatchObject({ status: 6 });
    const clean = await box.run(['scan', '--stdin'], { stdin: 'so' });
    expect([clean.status, clean.stderr.toString()]).toEqual([0, expect.stringContaining('short')]);
  });

  it('a commit and a push that hold a value are stopped, and others are not', async () => {
    box.write('repo/file', 'nothing in it\n');
    git('init', '-q');
    await box.ok(['hook', 'install'], { cwd: path.join(box.cwd, 'repo') });
    git('add', '.');
    expect(git('commit', '-qm', 'first')).toMatchObject({ status: 0 });
    box.write('repo/leak', `key = ${VALUE}\n`);
    git('add', '.');
    const stopped = git('commit', '-qm', 'second');
    expect(stopped.status).not.toBe(0);
    expect(stopped.stderr).toContain('api/key');
    expect(stopped.stderr).not.toContain(VALUE);
    git('commit', '-qm', 'second', '--no-verify');
    execFileSync('git', ['init', '-q', '--bare', path.join(box.cwd, 'remote')]);
    git('remote', 'add', 'origin', '../remote');
    expect(git('push', '-q', 'origin', 'HEAD').status).not.toBe(0);
    expect(await box.json(['hook', 'status'], { cwd: path.join(box.cwd, 'repo') })).toMatchObject({
      hooks: [{ blocks: true }, { blocks: true }, { blocks: true }],
    });
  });
});
