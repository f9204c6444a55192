import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VALUE } from './support/commit-cases.ts';
import { Repository, snapshot } from './support/repository.ts';
import { HASP, type Outcome, Sandbox } from './support/sandbox.ts';

let box: Sandbox;
let made = 0;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE });
});
afterAll(() => box.remove());

const repository = (folder?: string): Repository => {
  made += 1;
  return new Repository(box, folder ?? `r${made}`);
};
const hasp = (repo: Repository, ...argv: string[]): Promise<Outcome> =>
  box.run(['hook', ...argv], { cwd: repo.folder });
const script = (repo: Repository, file: string, text: string, mode = 0o755): string => {
  const whole = path.join(repo.folder, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  chmodSync(whole, mode);
  return whole;
};

async function install(repo: Repository, ...argv: string[]): Promise<string> {
  const { status, stderr } = await hasp(repo, 'install', ...argv);
  expect({ status, said: stderr.toString() }).toMatchObject({ status: 0 });
  return stderr.toString();
}

const stage = (repo: Repository, text: string): void => {
  repo.write('file', text);
  repo.do('add', '-A');
};

/** All three: a staged value, one in the message, one in what is pushed. */
async function expectGuarded(repo: Repository): Promise<void> {
  if (!existsSync(path.join(repo.folder, '..', `${path.basename(repo.folder)}-origin.git`))) repo.addRemote('origin');
  stage(repo, `${made} ${VALUE}`);
  const commit = await repo.git(['commit', '-qm', 'more']);
  expect({ ...commit, said: commit.stderr.toString() }).toMatchObject({
    status: 1,
    said: expect.stringContaining('db/password in file:1'),
  });
  const told = await repo.git(['commit', '-q', '--allow-empty', '-m', VALUE]);
  expect(told.status).toBe(1);
  repo.do('commit', '-qm', 'by force');
  const push = await repo.git(['push', '-q', 'origin', 'HEAD:refs/heads/x']);
  expect({ ...push, said: push.stderr.toString() }).toMatchObject({
    status: 1,
    said: expect.stringContaining('db/password in file:1, commit'),
  });
  repo.do('rm', '-qf', '--cached', 'file');
  repo.do('update-ref', '-d', 'HEAD');
  repo.write('file', 'clean\n');
  repo.do('add', '-A');
  const clean = await repo.git(['commit', '-qm', 'clean']);
  expect({ status: clean.status, said: clean.stderr.toString() }).toMatchObject({ status: 0 });
  expect((await repo.git(['push', '-qf', 'origin', 'HEAD:refs/heads/x'])).status).toBe(0);
}

describe('hasp hook install', () => {
  it('guards a repository, also when done twice, and uninstall leaves every byte as it was', async () => {
    const repo = repository();
    const before = snapshot(path.join(repo.folder, '.git'));
    await install(repo);
    await install(repo);
    expect((await hasp(repo, 'status')).status).toBe(0);
    expect((await hasp(repo, 'uninstall')).status).toBe(0);
    expect(snapshot(path.join(repo.folder, '.git'))).toEqual(before);
    await install(repo);
    await expectGuarded(repo);
  });

  it('keeps the hooks that are there, with arguments, stdin, exit status and mode', async () => {
    const repo = repository();
    repo.addRemote('origin');
    script(repo, '.git/hooks/pre-commit', '#!/bin/sh\necho "pre-commit:$*" >>seen\n[ ! -e refuse ]\n', 0o750);
    script(repo, '.git/hooks/commit-msg', '#!/bin/sh\necho "commit-msg:$*" >>seen\n');
    script(repo, '.git/hooks/pre-push', '#!/bin/sh\necho "pre-push:$#:$1" >>seen; cat >>seen\n[ ! -e refuse ]\n');
    symlinkSync('../../elsewhere', path.join(repo.folder, '.git/hooks/post-commit'));
    const before = snapshot(path.join(repo.folder, '.git/hooks'));
    await install(repo);
    await install(repo);
    repo.write('file', 'clean\n');
    repo.do('add', 'file');
    expect((await repo.git(['commit', '-qm', 'clean'])).status).toBe(0);
    expect((await repo.git(['push', '-q', 'origin', 'main'])).status).toBe(0);
    const head = repo.do('rev-parse', 'HEAD');
    expect(readFileSync(path.join(repo.folder, 'seen'), 'utf8')).toBe(
      `pre-commit:\ncommit-msg:.git/COMMIT_EDITMSG\npre-push:2:origin\nrefs/heads/main ${head} refs/heads/main ${'0'.repeat(40)}\n`,
    );
    repo.write('refuse', '');
    expect((await repo.git(['commit', '-q', '--allow-empty', '-m', 'x'])).status).toBe(1);
    repo.do('commit', '-q', '--allow-empty', '-m', 'x');
    expect((await repo.git(['push', '-q', 'origin', 'main'])).status).toBe(1);
    await hasp(repo, 'uninstall');
    expect(snapshot(path.join(repo.folder, '.git/hooks'))).toEqual(before);
  });

  it('does not run a hook that could not be executed, and runs one that is a link', async () => {
    const repo = repository();
    script(repo, '.git/hooks/commit-msg', '#!/bin/sh\nexit 1\n', 0o644);
    script(repo, 'tools/check', '#!/bin/sh\necho linked >>../seen\n');
    symlinkSync('../../tools/check', path.join(repo.folder, '.git/hooks/pre-commit'));
    const before = snapshot(path.join(repo.folder, '.git/hooks'));
    await install(repo);
    expect((await repo.git(['commit', '-q', '--allow-empty', '-m', 'x'])).status).toBe(0);
    expect(readFileSync(path.join(repo.folder, '../seen'), 'utf8')).toBe('linked\n');
    await hasp(repo, 'uninstall');
    expect(snapshot(path.join(repo.folder, '.git/hooks'))).toEqual(before);
  });

  it('keeps a link that leads nowhere, and runs what it leads to later', async () => {
    const repo = repository();
    symlinkSync('../../tools/check', path.join(repo.folder, '.git/hooks/pre-commit'));
    const before = snapshot(path.join(repo.folder, '.git/hooks'));
    await install(repo);
    await expectGuarded(repo);
    script(repo, 'tools/check', '#!/bin/sh\necho linked >>../seen-later\n');
    expect((await repo.git(['commit', '-q', '--allow-empty', '-m', 'x'])).status).toBe(0);
    expect(readFileSync(path.join(repo.folder, '../seen-later'), 'utf8')).toBe('linked\n');
    await hasp(repo, 'uninstall');
    expect(snapshot(path.join(repo.folder, '.git/hooks'))).toEqual(before);
  });

  it('lets Git LFS and its like upload only what has passed', async () => {
    const repo = repository();
    repo.addRemote('origin');
    script(repo, '.git/hooks/pre-push', '#!/bin/sh\ntouch uploaded\n');
    await install(repo);
    repo.commit({ file: VALUE });
    expect((await repo.git(['push', '-q', 'origin', 'main'])).status).toBe(1);
    expect(existsSync(path.join(repo.folder, 'uploaded'))).toBe(false);
  });

  it.each(['a b', "it's", 'a"b', 'a$(touch x)b', 'new\nline', '-dash', 'ünï'])(
    'works in a folder named %j',
    async (name) => {
      const repo = repository(`odd${made}/${name}`);
      script(repo, '.git/hooks/pre-commit', '#!/bin/sh\ntouch ran\n');
      await install(repo);
      expect((await hasp(repo, 'status')).status).toBe(0);
      stage(repo, VALUE);
      expect((await repo.git(['commit', '-qm', 'x'])).stderr.toString()).toContain('db/password in file:1');
      expect(existsSync(path.join(repo.folder, 'ran'))).toBe(true);
    },
  );

  it.each(['a b', "it's"])('works where hasp itself lies in a folder named %j', async (name) => {
    const app = path.join(box.root, `app ${name}`, 'packages/cli');
    mkdirSync(path.dirname(app), { recursive: true });
    symlinkSync(path.join(HASP, '../../../../node_modules'), path.join(box.root, `app ${name}`, 'node_modules'));
    execFileSync('cp', ['-a', path.join(HASP, '../..'), app]);
    const repo = repository();
    await box.other([path.join(app, 'bin/hasp'), 'hook', 'install'], { cwd: repo.folder });
    stage(repo, VALUE);
    const { status, stderr } = await repo.git(['commit', '-qm', 'x']);
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('db/password in file:1')]);
    // And without it nothing goes through.
    execFileSync('rm', ['-r', app]);
    stage(repo, 'clean');
    const missing = await repo.git(['commit', '-qm', 'x']);
    expect([missing.status, missing.stderr.toString()]).toEqual([
      1,
      expect.stringMatching(/^hasp: .* is missing, so nothing was checked\n {2}→ /),
    ]);
  });

  it('lets nothing through where there is no bash, and says so', async () => {
    const repo = repository();
    await install(repo);
    stage(repo, 'clean');
    const bin = path.join(box.root, 'bin');
    mkdirSync(bin);
    for (const name of ['git', 'sh']) {
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), path.join(bin, name));
    }
    const { status, stderr } = await repo.git(['commit', '-qm', 'x'], { env: { PATH: bin } });
    expect([status, stderr.toString().split('\n').slice(0, 2)]).toEqual([
      1,
      ['hasp: there is no bash in PATH, so nothing was checked', "  → add the folder that has it to git's PATH"],
    ]);
  });

  it('serves linked work trees and submodules', async () => {
    const repo = repository();
    repo.commit({ file: 'a\n' });
    repo.do('worktree', 'add', '-q', `${repo.folder}-linked`);
    const linked = new Repository(box, `${repo.folder}-linked`);
    await install(linked);
    for (const place of [repo, linked]) {
      stage(place, VALUE);
      expect((await place.git(['commit', '-qm', 'x'])).status).toBe(1);
    }
    const inner = repository();
    inner.commit({ file: 'a\n' });
    repo.do('reset', '-q', '--hard');
    repo.do('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', inner.folder, 'sub');
    const sub = new Repository(box, `${repo.folder}/sub`);
    await install(sub);
    expect((await hasp(sub, 'status')).status).toBe(0);
    stage(sub, VALUE);
    expect((await sub.git(['commit', '-qm', 'x'])).status).toBe(1);
  });

  it('leaves a hook alone that was changed or exchanged since', async () => {
    const repo = repository();
    const hook = script(repo, '.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n');
    await install(repo);
    const guard = readFileSync(hook);
    for (const theirs of [`${guard}echo more\n`, '#!/bin/sh\necho new\n']) {
      writeFileSync(hook, theirs);
      const { status, stderr } = await hasp(repo, 'uninstall');
      expect([status, stderr.toString()]).toEqual([2, expect.stringContaining(hook)]);
      expect(readFileSync(hook, 'utf8')).toBe(theirs);
    }
    writeFileSync(hook, guard);
    expect((await hasp(repo, 'uninstall')).status).toBe(0);
    expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\nexit 0\n');
  });

  it('refuses a path that is not UTF-8, where it would make another folder', async () => {
    const folder = Buffer.concat([Buffer.from(`${box.cwd}/x`), Buffer.of(0xff)]);
    mkdirSync(folder);
    const script = `cd x* && git init -q . && exec '${HASP}' hook install`;
    const { status, stderr } = await box.other(['sh', '-c', script]);
    expect([status, stderr.toString()]).toEqual([2, expect.stringContaining('not valid UTF-8')]);
    expect(readdirSync(box.cwd).filter((name) => name.startsWith('x'))).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });

  it('says so outside of a repository', async () => {
    expect(await box.run(['hook', 'install'])).toMatchObject({ status: 2 });
  });
});

describe('an installation that was cut short', () => {
  const HOOK = '#!/bin/sh\nexit 0\n';
  it.each([
    [
      'after the hook got its second name',
      (hooks: string) => linkSync(`${hooks}/pre-commit`, `${hooks}/pre-commit.before-hasp`),
    ],
    [
      'after the hook was moved',
      (hooks: string) => renameSync(`${hooks}/pre-commit`, `${hooks}/pre-commit.before-hasp`),
    ],
  ])('%s, is finished by the next one, and undone by uninstall', async (_name, cut) => {
    for (const next of ['install', 'uninstall']) {
      const repo = repository();
      script(repo, '.git/hooks/pre-commit', HOOK, 0o741);
      const hooks = path.join(repo.folder, '.git/hooks');
      const before = snapshot(hooks);
      cut(hooks);
      expect((await hasp(repo, next)).status).toBe(0);
      if (next === 'install') {
        stage(repo, VALUE);
        expect((await repo.git(['commit', '-qm', 'x'])).status).toBe(1);
        await hasp(repo, 'uninstall');
      }
      expect(snapshot(hooks)).toEqual(before);
    }
  });
});
