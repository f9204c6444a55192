import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox, type StartOptions } from './support/sandbox.ts';
import { type ScanReport, scanIn } from './support/scan.ts';

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
  return () => box.remove();
});

const scan = (argv: readonly string[] = [], options: StartOptions = {}) => scanIn(box, argv, options);
const paths = ({ findings }: ScanReport): unknown[] => findings.map((finding) => finding['path']);
const git = (cwd: string, ...argv: string[]): Buffer =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main', ...argv], {
    cwd,
    stdio: 'pipe',
  });

describe('hasp scan in a git repository', () => {
  beforeEach(() => {
    git(box.cwd, 'init', '-q');
    box.write('.gitignore', 'ignored\n*.log\n');
    box.write('ignored/a', LEAK);
    box.write('b.log', LEAK);
  });

  it('leaves out what git ignores, and takes it with --all or by name', async () => {
    box.write('new', LEAK);
    expect(paths(await scan())).toEqual(['new']);
    expect(paths(await scan(['ignored', 'b.log']))).toEqual(['b.log', 'ignored/a']);
    expect(paths(await scan(['--all']))).toEqual(['b.log', 'ignored/a', 'new']);
  });

  it('takes what is tracked although it is ignored', async () => {
    git(box.cwd, 'add', '-f', 'b.log');
    expect(paths(await scan())).toEqual(['b.log']);
  });

  it('does not miss what only the index has lost, or stumble over what only it has', async () => {
    box.write('gone', 'x');
    box.write('stays', LEAK);
    git(box.cwd, 'add', 'gone', 'stays');
    git(box.cwd, 'commit', '-qm', 'x');
    git(box.cwd, 'rm', '-q', '--cached', 'stays');
    rmSync(path.join(box.cwd, 'gone'));
    const report = await scan();
    expect([report.status, paths(report), report.skipped]).toEqual([6, ['stays'], []]);
  });

  it('goes into repositories within it, and into submodules', async () => {
    for (const name of ['nested', 'module']) {
      mkdirSync(path.join(box.cwd, name));
      git(path.join(box.cwd, name), 'init', '-q');
      box.write(`${name}/.gitignore`, 'own');
      box.write(`${name}/own`, LEAK);
      box.write(`${name}/found`, LEAK);
      git(path.join(box.cwd, name), 'add', '.');
      git(path.join(box.cwd, name), 'commit', '-qm', 'x');
    }
    git(box.cwd, 'add', 'module');
    expect(paths(await scan())).toEqual(['module/found', 'nested/found']);
  });

  it('works below the top, beside others, and where names are hostile', async () => {
    box.write('sub/new\nline', LEAK);
    writeFileSync(Buffer.from(`${box.cwd}/sub/\xff`, 'latin1'), LEAK);
    expect(paths(await scan([], { cwd: path.join(box.cwd, 'sub') }))).toEqual(['\\xff', 'new\nline']);
    expect(paths(await scan(['sub']))).toEqual(['sub/\\xff', 'sub/new\nline']);
    expect(paths(await scan([box.cwd], { cwd: '/' }))).toHaveLength(2);
  });

  it('starts no program that the repository names', async () => {
    const trap = box.write('trap', `#!/bin/sh\ntouch ${box.cwd}/sprung\n`, 0o755);
    git(box.cwd, 'config', 'core.fsmonitor', trap);
    await scan();
    expect(paths(await scan(['--all']))).not.toContain('sprung');
    expect((await box.other(['ls', 'sprung'])).status).not.toBe(0);
  });

  it('without a git takes everything', async () => {
    const { status, findings } = await scan([], { env: { PATH: await pathWithoutGit(box) } });
    expect([status, findings.length]).toEqual([6, 2]);
  });

  it('refuses an empty PATH, which is not where we are', async () => {
    const { status, stderr } = await box.run(['scan', '']);
    expect([status, stderr.toString()]).toEqual([2, 'hasp: a PATH is empty\n  → for here: hasp scan .\n']);
  });

  it('reads .git with --all, but for its objects', async () => {
    git(box.cwd, 'config', 'remote.origin.url', `https://x:${VALUE}@example.org/`);
    expect(paths(await scan())).toEqual([]);
    expect(paths(await scan(['--all']))).toContain('.git/config');
  });

  it('does not call clean where git leaves out a folder that it can’t open, and ends with 0', async () => {
    const script = 'i=0; while [ $i -lt 60 ]; do mkdir -p "$0" && cd -P "$0" || exit; i=$((i+1)); done; echo deep >a';
    await box.other(['sh', '-c', script, 'd'.repeat(100)]);
    expect(await scan()).toMatchObject({
      status: 5,
      skipped: [{ path: '.', why: 'may have files that git could not list: see what git status warns of' }],
    });
    await box.other(['rm', '-rf', 'd'.repeat(100)]);
  });

  it('calls clean where git can’t open a list of names to ignore for all repositories, but not where it is the repository’s', async () => {
    box.write('new', 'x');
    const own = path.join(box.cwd, 'sub/.gitignore');
    mkdirSync(path.dirname(own));
    const shared = path.join(box.root, 'ignore');
    symlinkSync('ignore', shared);
    git(box.cwd, 'config', 'core.excludesFile', shared);
    expect(await scan()).toMatchObject({ status: 0, skipped: [] });
    symlinkSync('.gitignore', own);
    expect(await scan()).toMatchObject({ status: 5, skipped: [{ path: '.' }] });
  });
});

/** A folder of links to all that hasp is started by. */
async function pathWithoutGit(sandbox: Sandbox): Promise<string> {
  const bin = path.join(sandbox.root, 'bin');
  mkdirSync(bin);
  for (const name of ['env', 'bash', 'node']) {
    const { stdout } = await sandbox.other(['sh', '-c', `command -v ${name}`]);
    symlinkSync(stdout.toString().trim(), path.join(bin, name));
  }
  return bin;
}
