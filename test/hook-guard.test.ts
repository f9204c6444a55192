import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VALUE } from './support/commit-cases.ts';
import { Repository } from './support/repository.ts';
import { HASP, Sandbox } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

let box: Sandbox;
let repo: Repository;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE });
  repo = new Repository(box, 'r').guard();
});
afterEach(() => box.remove());

const stage = (text: string | Uint8Array): void => {
  repo.write('file', text);
  repo.do('add', 'file');
};
const commit = (env: Record<string, string> = {}, message = 'more') => repo.git(['commit', '-qm', message], { env });
const leaks = async () => (await box.log()).filter(({ type }) => String(type).startsWith('leak.'));

describe('the record', () => {
  it('says what was stopped, where, and nothing of the value', async () => {
    stage(`a\n${VALUE}\n`);
    expect((await commit()).status).toBe(1);
    const [record] = await leaks();
    const blob = repo.do('rev-parse', ':file');
    expect(record).toMatchObject({
      type: 'leak.blocked',
      hook: 'pre-commit',
      repository: repo.folder,
      secrets: ['db/password'],
      places: [{ secret: 'db/password', spelling: 'raw', where: 'content', path: 'file', line: 2, blob }],
      count: 1,
    });
    expect(await box.ok(['audit', 'log', '--secret', 'db/password', '--type', 'leak.blocked'])).toContain(
      'db/password',
    );
    expect((await box.json<{ ok: boolean }>(['audit', 'verify'])).ok).toBe(true);
  });

  it('is not made where nothing is found', async () => {
    stage('clean');
    expect((await commit()).status).toBe(0);
    expect(await leaks()).toEqual([]);
  });

  it('holds where it can not be written: then even a reason lets nothing through', async () => {
    stage(VALUE);
    rmSync(path.join(box.home, 'audit.seal'));
    const { status, stderr } = await commit({ HASP_ALLOW_LEAK: 'a reason' });
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('hasp: ')]);
  });

  it('names an earlier version by its number', async () => {
    await box.ok(['secret', 'rotate', 'db/password'], { stdin: 'another-value-altogether' });
    stage(`${VALUE}\nanother-value-altogether\n`);
    const { stderr } = await commit();
    expect(stderr.toString()).toMatch(/^hasp: db\/password@1 in file:1.*\nhasp: db\/password in file:2/);
    expect(await leaks()).toMatchObject([{ secrets: ['db/password'], count: 2 }]);
  });

  it('has a value in the path and the reason masked', async () => {
    repo.write(`x-${VALUE}`, 'a\n');
    repo.do('add', '-A');
    expect((await commit({ HASP_ALLOW_LEAK: `because of ${VALUE}` })).status).toBe(0);
    expect(await leaks()).toMatchObject([
      {
        type: 'leak.allowed',
        reason: 'because of [hasp:db/password]',
        places: [{ path: 'x-[hasp:db/password]', where: 'name' }],
      },
    ]);
  });
});

describe('HASP_ALLOW_LEAK', () => {
  it('with a reason lets through and is recorded, in each hook', async () => {
    repo.addRemote('origin');
    const env = { HASP_ALLOW_LEAK: 'a test value' };
    stage(VALUE);
    const done = await commit(env, VALUE);
    expect([done.status, done.stderr.toString()]).toEqual([0, expect.stringContaining('let through, and recorded')]);
    expect((await repo.git(['push', '-q', 'origin', 'main'], { env })).status).toBe(0);
    const records = await leaks();
    expect(records.map(({ type, hook, reason }) => [type, hook, reason])).toEqual(
      ['pre-commit', 'commit-msg', 'pre-push'].map((hook) => ['leak.allowed', hook, 'a test value']),
    );
  });

  it.each(['', '  '])('is refused without a reason: %j', async (reason) => {
    stage(VALUE);
    const { status, stderr } = await commit({ HASP_ALLOW_LEAK: reason });
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('it must say why')]);
  });

  it('is refused inside an agent session', async () => {
    stage(VALUE);
    const { status, stderr } = await commit({ HASP_ALLOW_LEAK: 'I am sure', HASP_SESSION: 's1' });
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('refused inside an agent session')]);
    expect(await leaks()).toMatchObject([{ type: 'leak.blocked' }]);
  });
});

describe('what keeps hasp from looking stops the commit', () => {
  it('a locked vault, on record, with what to do', async () => {
    stage('clean');
    renameSync(path.join(box.home, 'vault.key'), path.join(box.root, 'key'));
    const { status, stderr } = await commit();
    expect([status, stderr.toString()]).toEqual([
      1,
      expect.stringMatching(/^hasp: .*nothing was checked\n {2}→ .*HASP_KEY_FILE/),
    ]);
    expect((await commit({ HASP_ALLOW_LEAK: 'in a hurry' })).status).toBe(1);
    expect((await commit({ HASP_KEY_FILE: path.join(box.root, 'key') })).status).toBe(0);
    expect(await leaks()).toMatchObject([{ failure: 'E_VAULT_LOCKED' }, { failure: 'E_VAULT_LOCKED' }]);
  });

  it('but not what only removes a ref', async () => {
    repo.addRemote('origin');
    repo.commit({ file: 'a' });
    repo.do('push', '-q', 'origin', 'main', 'main:gone');
    rmSync(path.join(box.home, 'vault.key'));
    expect((await repo.git(['push', '-q', 'origin', ':gone'])).status).toBe(0);
    expect((await repo.git(['push', '-q', 'origin', 'main:new', ':gone'])).status).toBe(1);
  });

  it('no vault at all', async () => {
    stage('clean');
    const { status, stderr } = await commit({ HASP_HOME: path.join(box.root, 'none') });
    expect([status, stderr.toString()]).toEqual([1, expect.stringMatching(/hasp init.*hasp hook uninstall/)]);
  });

  it.each([
    ['fails', 'exit 3'],
    ['is killed', 'kill -9 $$'],
    [
      'prints half of it and fails',
      'case "$*" in *cat-file*) printf "%s blob 100 \\nabc" "$(head -1)"; exit 1;; *) exec /usr/bin/git "$@";; esac',
    ],
    [
      'prints half of it',
      'case "$*" in *cat-file*) read -r oid; printf "%s blob 100 \\nabc" "$oid";; *) exec /usr/bin/git "$@";; esac',
    ],
    ['says nothing', 'exit 0'],
    [
      'lists nothing it knows',
      'case "$*" in *diff-index*) printf ":100644 100644 x y M\\0file\\0";; *) exec /usr/bin/git "$@";; esac',
    ],
    ['reads nothing', 'case "$*" in *cat-file*) exit 0;; *) exec /usr/bin/git "$@";; esac'],
  ])('a git that %s', async (name, script) => {
    stage('clean');
    const bin = path.join(box.root, 'bin');
    mkdirSync(bin);
    const fake = path.join(bin, 'git');
    const descriptor = openSync(fake, 'w', 0o755);
    writeSync(descriptor, `#!/bin/sh\n${script}\n`);
    closeSync(descriptor);
    const PATH = `${bin}:${box.environment['PATH']}`;
    const { status } = await box.run(['hook', 'pre-commit'], { cwd: repo.folder, env: { PATH } });
    // An empty list is what git says where nothing is staged.
    expect(status).toBe(name === 'says nothing' ? 0 : 5);
  });

  it('no git in PATH', async () => {
    const bin = path.join(box.root, 'bin');
    mkdirSync(bin);
    for (const tool of ['env', 'bash', 'node']) {
      const found = (box.environment['PATH'] ?? '')
        .split(':')
        .map((folder) => path.join(folder, tool))
        .find(existsSync);
      symlinkSync(found ?? '', path.join(bin, tool));
    }
    const { status, stderr } = await box.run(['hook', 'pre-commit'], { cwd: repo.folder, env: { PATH: bin } });
    expect([status, stderr.toString()]).toEqual([5, expect.stringContaining('there is no git in PATH')]);
  });

  it('refs on stdin that git did not write, or a closed stdin', async () => {
    for (const stdin of ['nonsense\n', 'refs/heads/x 1 refs/heads/x 2\n', 'cut off'])
      expect((await box.run(['hook', 'pre-push', 'o', 'u'], { cwd: repo.folder, stdin })).status).toBe(2);
    const closed = await box.other(['sh', '-c', `exec '${HASP}' hook pre-push o u <&-`], { cwd: repo.folder });
    expect(closed.status).toBe(2);
  });
});

it('nothing managed, nothing stopped', async () => {
  await box.ok(['secret', 'rm', 'db/password']);
  stage(VALUE);
  expect((await commit()).status).toBe(0);
});

it('a vault with a passphrase asks on the terminal, never on stdin', async () => {
  const other = new Sandbox();
  try {
    await other.ok(['init', '--passphrase-fd', '3'], { through: ['sh', '-c', 'exec "$@" 3<<X\nopen sesame\nX', 'sh'] });
    await other.ok(['secret', 'set', 'a', '--passphrase-fd', '3'], {
      stdin: VALUE,
      through: ['sh', '-c', 'exec "$@" 3<<X\nopen sesame\nX', 'sh'],
    });
    stage(VALUE);
    const env = { HASP_HOME: other.home };
    expect((await commit(env)).status).toBe(1);
    const shown = await onTerminal(box, ['hook', 'pre-commit'], [{ question: 'Passphrase: ', answer: 'open sesame' }], {
      cwd: repo.folder,
      env,
    });
    expect(shown.stdout.toString()).toContain('a in file:1');
  } finally {
    other.remove();
  }
});
