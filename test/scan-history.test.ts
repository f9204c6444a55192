import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HASP, Sandbox, type StartOptions } from './support/sandbox.ts';
import { scanIn } from './support/scan.ts';

const VALUE = 'correct-horse-battery-staple';
const LEAK = `first line\n  key = ${VALUE}\n`;

let made: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  made = await Sandbox.withSecrets({ 'db/url': VALUE });
});
afterAll(() => made.remove());
beforeEach(() => {
  box = made.clone();
  git('init', '-q');
  return () => box.remove();
});

const scan = (argv: readonly string[] = [], options: StartOptions = {}) => scanIn(box, argv, options);
function git(...argv: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...who, ...argv], { cwd: box.cwd, stdio: 'pipe' })
    .toString()
    .trim();
}
function commit(name: string, text: string | Uint8Array, message = 'x'): string {
  box.write(name, text);
  git('add', '-f', '.');
  git('commit', '-qm', message);
  return git('rev-parse', 'HEAD');
}

describe('hasp scan --history', () => {
  it('names the commit also where annotated tags stand on it and after it', async () => {
    const leak = commit('config', LEAK);
    git('tag', '-a', 'v1', '-m', 'one');
    commit('other', 'text\n');
    git('tag', '-a', 'v2', '-m', 'two');
    git('tag', 'blob', git('rev-parse', 'HEAD:other'));
    const { stdout } = await box.run(['scan', '--history']);
    expect(stdout.toString()).toBe(`commit ${leak.slice(0, 12)} config:2:9: db/url (raw)\n`);
  });

  it('names the annotated tag that has the value in its message', async () => {
    commit('a', 'x');
    git('tag', '-a', 'v1', '-m', `about ${VALUE}`);
    const { status, stdout } = await box.run(['scan', '--history']);
    expect(status).toBe(6);
    expect(stdout.toString()).toBe(`tag ${git('rev-parse', 'v1').slice(0, 12)}: db/url (raw) in its message\n`);
  });
  it('finds what was committed once and removed again, and says in which commit', async () => {
    const bad = commit('src/a', LEAK);
    const blob = git('rev-parse', 'HEAD:src/a');
    git('rm', '-q', 'src/a');
    commit('b', 'x');
    expect((await scan()).status).toBe(0);
    expect(await scan(['--history'])).toMatchObject({
      status: 6,
      findings: [
        {
          secret: 'db/url',
          spelling: 'raw',
          path: 'src/a',
          line: 2,
          column: 9,
          offset: 19,
          commit: bad,
          blob,
          where: 'content',
        },
      ],
      scanned: { files: 0 },
      skipped: [],
    });
    const { stdout } = await box.run(['scan', '--history']);
    expect(stdout.toString()).toBe(`commit ${bad.slice(0, 12)} src/a:2:9: db/url (raw)\n`);
  });

  it('finds it in messages, names, tags, other branches, stashes and archives', async () => {
    commit('a', 'x', `about ${VALUE}`);
    commit(`d/${VALUE}`, 'y');
    git('rm', '-q', '-r', 'd');
    commit('e', 'z');
    git('tag', '-a', 'v1', '-m', `tag ${VALUE}`);
    git('checkout', '-q', '-b', 'other');
    commit('a.gz', gzipSync(LEAK));
    git('checkout', '-q', 'main');
    box.write('a', LEAK);
    git('stash', '-q');
    const { findings, scanned } = await scan(['--history']);
    expect(new Set(findings.map(({ where, path: shown }) => `${where} ${shown ?? ''}`.trim()))).toEqual(
      new Set(['message', 'name d/[hasp:db/url]', 'content a.gz!/(unpacked)', 'content a']),
    );
    expect(findings.filter(({ where }) => where === 'message')).toHaveLength(2);
    expect(scanned.objects).toBeGreaterThan(10);
  });

  it('finds what is staged alone', async () => {
    commit('a', 'x');
    box.write('b/c', LEAK);
    git('add', '.');
    const { findings, scanned } = await scan(['--history']);
    expect(findings).toMatchObject([{ path: 'b/c', line: 2, blob: git('rev-parse', ':b/c') }]);
    expect(findings[0]).not.toHaveProperty('commit');
    expect(scanned.objects).toBe(4);
  });

  it('says so outside of a repository', async () => {
    rmSync(path.join(box.cwd, '.git'), { recursive: true });
    const { status, stdout, stderr } = await box.run(['scan', '--history']);
    expect([status, stdout.toString(), stderr.toString()]).toEqual([
      2,
      '',
      expect.stringContaining('not in a git repository'),
    ]);
  });

  it('is clean in a repository without a commit', async () => {
    expect((await scan(['--history'])).status).toBe(0);
  });

  it('never calls clean what it can’t look into', async () => {
    commit('a.xz', Buffer.from('fd377a585a000004', 'hex'));
    expect(await scan(['--history'])).toMatchObject({ status: 5, skipped: [{ path: 'a.xz' }] });
  });
});

describe('hasp scan --range', () => {
  it('looks into the commits of the range alone', async () => {
    commit('a', LEAK);
    commit('b', 'x');
    const bad = commit('c', `${VALUE}!`);
    expect((await scan(['--range', 'HEAD~1..HEAD'])).findings).toMatchObject([{ commit: bad, path: 'c' }]);
    expect((await scan(['--range', 'HEAD~2..HEAD~1'])).status).toBe(0);
  });

  it('refuses what git does not know', async () => {
    commit('a', 'x');
    for (const range of ['nowhere..HEAD', '--all', `${VALUE}..`]) {
      const { status, stdout, stderr } = await box.run(['scan', `--range=${range}`]);
      expect([status, `${stdout}${stderr}`]).toEqual([2, expect.not.stringContaining(VALUE)]);
    }
  });
});

describe('hasp scan --staged', () => {
  it('looks into what is staged, whatever the work tree holds', async () => {
    commit('a', 'x');
    box.write('a', LEAK);
    expect((await scan(['--staged'])).status).toBe(0);
    git('add', 'a');
    box.write('a', 'x');
    expect(await scan(['--staged'])).toMatchObject({
      status: 6,
      findings: [{ path: 'a', line: 2, column: 9, blob: git('rev-parse', ':a') }],
    });
    expect((await scan()).status).toBe(0);
  });
});

it('finds it too where the vault takes its time to open, and git has ended long before', async () => {
  const home = { env: { HASP_HOME: path.join(box.root, 'slow') } };
  const passphrase = box.write('../passphrase', 'pass phrase');
  const slow = async (argv: string, stdin = '') =>
    (await box.other(['sh', '-c', `"$0" ${argv} --passphrase-fd 3 3<"$1"`, HASP, passphrase], { ...home, stdin }))
      .status;
  expect(await slow('init')).toBe(0);
  expect(await slow('secret set db/url', VALUE)).toBe(0);
  const tip = commit('a', LEAK);
  for (const argv of ['--history', '--range HEAD']) expect([argv, await slow(`scan ${argv}`)]).toEqual([argv, 6]);
  const pushed = `refs/heads/main ${tip} refs/heads/main ${'0'.repeat(40)}\n`;
  expect(await slow('hook pre-push origin nowhere', pushed)).toBe(6);
});

it('looks in one place at a time', async () => {
  const wrong = [
    ['--staged', '--history'],
    ['--range', 'a..b', '--staged'],
    ['--history', '.'],
    ['--staged', '--all'],
  ];
  for (const argv of [...wrong, ['--stdin', '--history'], ['--range'], ['--range', 'a..b', '--range', 'c..d']]) {
    expect([argv, (await box.run(['scan', ...argv])).status]).toEqual([argv, 2]);
  }
});

describe('what Git LFS keeps', () => {
  const content = Buffer.from(LEAK);
  const oid = createHash('sha256').update(content).digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;

  it('is looked into where it is here', async () => {
    box.write(`.git/lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`, content);
    commit('sub/large', pointer);
    for (const argv of [[], ['sub/large'], ['--history'], ['--range', 'HEAD']]) {
      expect([argv, await scan(argv)]).toMatchObject([
        argv,
        { status: 6, findings: [{ path: 'sub/large!/(Git LFS)' }] },
      ]);
    }
    mkdirSync(path.join(box.cwd, 'beside'));
    const beside = await scan(['../sub'], { cwd: path.join(box.cwd, 'beside') });
    expect(beside.findings).toMatchObject([{ path: '../sub/large!/(Git LFS)' }]);
  });

  it('is not called clean where it is not', async () => {
    commit('large', pointer);
    for (const argv of [[], ['--history']]) {
      expect(await scan(argv)).toMatchObject({
        status: 5,
        skipped: [{ path: 'large', why: 'stands for a Git LFS object that is not here, or not whole' }],
      });
    }
  });
});
