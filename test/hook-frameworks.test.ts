import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VALUE } from './support/commit-cases.ts';
import { Repository } from './support/repository.ts';
import { type Outcome, Sandbox } from './support/sandbox.ts';

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const HUSKY = path.join(modules, 'husky/bin.js');
const LEFTHOOK = path.join(modules, 'lefthook-linux-x64/bin/lefthook');
const hasPreCommit = spawnSync('pre-commit', ['--version']).status === 0;

let box: Sandbox;
let made = 0;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE });
});
afterAll(() => box.remove());

const repository = (): Repository => {
  made += 1;
  const repo = new Repository(box, `r${made}`);
  repo.addRemote('origin');
  return repo;
};
const hasp = (repo: Repository, ...argv: string[]): Promise<Outcome> =>
  box.run(['hook', ...argv], { cwd: repo.folder });

function script(repo: Repository, file: string, text: string, mode = 0o755): string {
  const whole = path.join(repo.folder, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  chmodSync(whole, mode);
  return whole;
}

const seen = (repo: Repository): string => {
  const file = path.join(repo.folder, 'seen');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  rmSync(file, { force: true });
  return text;
};

/** A value stops each of the three, and the clean commit and push run the hooks that were there. */
async function expectGuarded(
  repo: Repository,
  ran: { commit: string; push: RegExp },
  env: Record<string, string> = {},
): Promise<void> {
  const status = await box.run(['hook', 'status'], { cwd: repo.folder, env });
  expect({ status: status.status, said: `${status.stdout}${status.stderr}` }).toMatchObject({ status: 0 });
  repo.write('file', VALUE);
  repo.do('add', '-A');
  const commit = await repo.git(['commit', '-qm', 'more'], { env });
  expect([commit.status, `${commit.stdout}${commit.stderr}`]).toEqual([
    1,
    expect.stringContaining('db/password in file:1'),
  ]);
  const message = await repo.git(['commit', '-q', '--allow-empty', '-m', VALUE], { env });
  expect([message.status, `${message.stdout}${message.stderr}`]).toEqual([1, expect.stringContaining('db/password')]);
  repo.do('commit', '-qm', 'by force');
  const push = await repo.git(['push', '-q', 'origin', 'HEAD:refs/heads/x'], { env });
  expect([push.status, `${push.stdout}${push.stderr}`]).toEqual([
    1,
    expect.stringContaining('db/password in file:1, commit'),
  ]);
  repo.do('update-ref', '-d', 'HEAD');
  seen(repo);
  repo.write('file', 'clean\n');
  repo.do('add', '-A');
  const clean = await repo.git(['commit', '-qm', 'clean'], { env });
  expect({ status: clean.status, said: clean.stderr.toString() }).toMatchObject({ status: 0 });
  expect(seen(repo)).toBe(ran.commit);
  expect((await repo.git(['push', '-q', 'origin', 'HEAD:refs/heads/x'], { env })).status).toBe(0);
  expect(seen(repo)).toMatch(ran.push);
}

const tree = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => path.join(folder, name))
      .filter((file) => statSync(file).isFile())
      .map((file) => [file, `${statSync(file).mode.toString(8)} ${readFileSync(file, 'latin1')}`]),
  );

describe('with husky', () => {
  const start = async (): Promise<Repository> => {
    const repo = repository();
    repo.write('package.json', '{"name":"x"}');
    execFileSync(process.execPath, [HUSKY], { cwd: repo.folder, env: box.environment });
    return repo;
  };

  it('its hooks go on running, get their stdin, and its own folder is not touched', async () => {
    const repo = await start();
    script(repo, '.husky/pre-commit', 'echo husky-commit >>seen\n', 0o644);
    script(
      repo,
      '.husky/pre-push',
      '#!/usr/bin/env sh\necho "push $1" >>seen\nwhile read -r local oid remote old; do echo "$remote" >>seen; done\n',
      0o644,
    );
    const [own, scripts, config] = [
      path.join(repo.folder, '.husky/_'),
      path.join(repo.folder, '.husky'),
      path.join(repo.folder, '.git/config'),
    ];
    const before = [tree(own), tree(scripts), readFileSync(config, 'utf8')];
    expect((await hasp(repo, 'install')).status).toBe(0);
    expect((await hasp(repo, 'install')).status).toBe(0);
    expect(tree(own)).toEqual(before[0]);
    await expectGuarded(repo, { commit: 'husky-commit\n', push: /^push origin\nrefs\/heads\/x\n$/ });
    expect((await hasp(repo, 'uninstall')).status).toBe(0);
    expect([tree(own), tree(scripts), readFileSync(config, 'utf8')]).toEqual(before);
    expect(existsSync(path.join(repo.folder, '.git/hasp-hooks'))).toBe(false);
  });

  it('a script that leaves early, or that others write on, is guarded as well', async () => {
    const repo = await start();
    const hook = script(repo, '.husky/pre-commit', 'exit 0\n', 0o644);
    await hasp(repo, 'install');
    writeFileSync(hook, `${readFileSync(hook, 'utf8')}echo more\n`);
    repo.write('file', VALUE);
    repo.do('add', '-A');
    expect((await repo.git(['commit', '-qm', 'x'])).status).toBe(1);
    await hasp(repo, 'uninstall');
    expect(readFileSync(hook, 'utf8')).toBe('exit 0\necho more\n');
  });

  it('a push of nothing gives its script an empty stdin, and a clone without hasp is told', async () => {
    const repo = await start();
    script(repo, '.husky/pre-push', 'cat >>seen; echo end >>seen\n', 0o644);
    await hasp(repo, 'install');
    repo.commit({ file: 'a\n' });
    repo.do('push', '-q', 'origin', 'main');
    expect((await repo.git(['push', '-q', 'origin', 'main'])).status).toBe(0);
    expect(seen(repo)).toBe('end\n');
    rmSync(path.join(repo.folder, '.git/hasp-hooks'), { recursive: true });
    const { status, stderr } = await repo.git(['commit', '-q', '--allow-empty', '-m', 'x']);
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('hasp: not installed in this clone')]);
  });
});

describe.skipIf(!existsSync(LEFTHOOK))('with lefthook (skipped where it is not installed)', () => {
  const lefthook = (repo: Repository): void => {
    execFileSync(LEFTHOOK, ['install'], { cwd: repo.folder, env: box.environment, stdio: 'pipe' });
  };
  const CONFIG =
    'pre-commit:\n  jobs:\n    - name: lint\n      run: echo lint >>seen\npre-push:\n  jobs:\n    - run: echo pushed >>seen\n';

  it('the guard is a job of its own, in a file of its own', async () => {
    const repo = repository();
    repo.write('lefthook.yml', CONFIG);
    repo.write('.gitignore', 'lefthook-local.yml\n.lefthook-local\nseen\n');
    lefthook(repo);
    const before = readFileSync(path.join(repo.folder, 'lefthook.yml'), 'utf8');
    expect((await hasp(repo, 'install')).stderr.toString()).toContain('lefthook install');
    lefthook(repo);
    await expectGuarded(repo, { commit: 'lint\n', push: /^pushed\n$/ }, { LEFTHOOK_BIN: LEFTHOOK });
    // No file of the branch goes with a tag.
    repo.do('tag', '-a', '-m', VALUE, 'v1');
    const tag = await repo.git(['push', '-q', 'origin', 'v1'], { env: { LEFTHOOK_BIN: LEFTHOOK } });
    expect([tag.status, `${tag.stdout}${tag.stderr}`]).toEqual([
      1,
      expect.stringContaining('db/password in the message of the tag'),
    ]);
    expect((await hasp(repo, 'uninstall')).status).toBe(0);
    expect(readFileSync(path.join(repo.folder, 'lefthook.yml'), 'utf8')).toBe(before);
    for (const name of ['lefthook-local.yml', '.lefthook-local'])
      expect(existsSync(path.join(repo.folder, name))).toBe(false);
  });

  it('a local file that is there is left alone, and the lines for it are printed', async () => {
    const repo = repository();
    repo.write('lefthook.yml', CONFIG);
    repo.write('lefthook-local.yml', 'colors: false\n');
    const { stdout, status } = await hasp(repo, 'install');
    expect([status, stdout.toString()]).toEqual([2, expect.stringContaining('use_stdin: true')]);
    expect(readFileSync(path.join(repo.folder, 'lefthook-local.yml'), 'utf8')).toBe('colors: false\n');
    writeFileSync(path.join(repo.folder, 'lefthook-local.yml'), stdout);
    lefthook(repo);
    expect((await box.run(['hook', 'status'], { cwd: repo.folder, env: { LEFTHOOK_BIN: LEFTHOOK } })).status).toBe(0);
  });
});

describe.skipIf(!hasPreCommit)('with the pre-commit framework (skipped where it is not installed)', () => {
  const start = (repo: Repository): void => {
    const entry = (stage: string) =>
      `      - {id: ${stage}, name: ${stage}, entry: sh -c 'echo ${stage} >>seen', language: system, always_run: true, pass_filenames: false, stages: [${stage}]}\n`;
    repo.write('.pre-commit-config.yaml', `repos:\n  - repo: local\n    hooks:\n${entry('commit')}${entry('push')}`);
    framework(repo);
  };
  const framework = (repo: Repository): void => {
    const types = ['pre-commit', 'commit-msg', 'pre-push'].flatMap((type) => ['--hook-type', type]);
    execFileSync('pre-commit', ['install', ...types], { cwd: repo.folder, env: box.environment, stdio: 'pipe' });
  };
  const ran = { commit: 'commit\n', push: /^push\n$/ };

  it('both run, whichever was installed last, and uninstall leaves its hooks as they were', async () => {
    const repo = repository();
    start(repo);
    repo.write('.gitignore', 'seen\n');
    const hooks = path.join(repo.folder, '.git/hooks');
    const before = tree(hooks);
    await hasp(repo, 'install');
    await expectGuarded(repo, ran);
    await hasp(repo, 'uninstall');
    expect(tree(hooks)).toEqual(before);
    const other = repository();
    other.write('.gitignore', 'seen\n');
    await hasp(other, 'install');
    start(other);
    await expectGuarded(other, ran);
  });
});

describe('with core.hooksPath', () => {
  const HOOK = '#!/bin/sh\necho theirs >>seen\n';
  const setTo = (repo: Repository, folder: string, hook = `${folder}/pre-commit`): void => {
    repo.do('config', 'core.hooksPath', folder);
    const file = path.resolve(repo.folder, hook);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, HOOK);
    chmodSync(file, 0o755);
  };

  it.each([
    ['relative, not committed', '.hooks', false],
    ['absolute, outside', '../outside hooks', false],
    ['relative, committed', 'tools/hooks', true],
  ])('%s', async (_name, folder, committed) => {
    const repo = repository();
    const setting = folder.startsWith('..') ? path.resolve(repo.folder, folder) : folder;
    setTo(repo, setting);
    script(repo, `${folder}/post-commit`, '#!/bin/sh\necho after >>seen\n');
    repo.write('.gitignore', committed ? 'seen\n' : 'seen\n.hooks\n');
    repo.commit();
    repo.do('checkout', '-q', '--orphan', 'next');
    const all = () => [
      tree(path.resolve(repo.folder, folder)),
      readFileSync(path.join(repo.folder, '.git/config'), 'utf8'),
    ];
    const before = all();
    await hasp(repo, 'install');
    await hasp(repo, 'install');
    if (committed) expect(all()[0]).toEqual(before[0]);
    await expectGuarded(repo, { commit: 'theirs\nafter\n', push: /^$/ });
    expect((await hasp(repo, 'uninstall')).status).toBe(0);
    expect(all()).toEqual(before);
    expect(existsSync(path.join(repo.folder, '.git/hasp-hooks'))).toBe(false);
  });

  it('set for every repository, the folder of all is not touched', async () => {
    const repo = repository();
    const folder = path.join(box.root, 'everybody');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'pre-commit'), HOOK, { mode: 0o755 });
    const config = path.join(box.root, 'global-config');
    writeFileSync(config, `[core]\n\thooksPath = ${folder}\n`);
    const env = { GIT_CONFIG_GLOBAL: config };
    expect((await box.run(['hook', 'install'], { cwd: repo.folder, env })).status).toBe(0);
    expect((await box.run(['hook', 'install'], { cwd: repo.folder, env })).status).toBe(0);
    expect(readdirSync(folder)).toEqual(['pre-commit']);
    repo.write('.gitignore', 'seen\n');
    await expectGuarded(repo, { commit: 'theirs\n', push: /^$/ }, env);
    expect((await box.run(['hook', 'uninstall'], { cwd: repo.folder, env })).status).toBe(0);
    expect(repo.do('config', '--local', '--list')).not.toContain('hookspath');
  });
});

describe('hasp hook install --global', () => {
  it('guards every repository, runs their own hooks, and is taken back to the byte', async () => {
    const config = path.join(box.root, 'user/.gitconfig');
    for (const before of [undefined, '[core]\n\tpager = cat\n']) {
      if (before !== undefined) writeFileSync(config, before);
      const repo = repository();
      repo.write('.gitignore', 'seen\n');
      script(repo, '.git/hooks/pre-commit', '#!/bin/sh\necho own >>seen\n');
      script(repo, '.git/hooks/post-commit', '#!/bin/sh\necho after >>seen\n');
      script(repo, '.git/hooks/pre-push', '#!/bin/sh\ncut -d" " -f3 >>seen\n');
      expect((await hasp(repo, 'install', '--global')).status).toBe(0);
      expect((await hasp(repo, 'install', '--global')).status).toBe(0);
      // Of one repository there is nothing to take away.
      expect((await hasp(repo, 'uninstall')).status).toBe(0);
      await expectGuarded(repo, { commit: 'own\nafter\n', push: /^refs\/heads\/x\n$/ });
      expect((await hasp(repo, 'uninstall', '--global')).status).toBe(0);
      expect(existsSync(config) ? readFileSync(config, 'utf8') : undefined).toBe(before);
      expect(existsSync(path.join(box.home, 'hooks'))).toBe(false);
    }
    rmSync(config);
  });
});
