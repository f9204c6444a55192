import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from './support/refused.ts';
import { HASP, Sandbox, type StartOptions } from './support/sandbox.ts';

const VALUE = `closed-${randomBytes(12).toString('hex')}`;
const GRANT = ['-e', 'KEY=hasp://api/key'];
let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ 'api/key': VALUE });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const expectClosed = (options: readonly string[], code: string, words: RegExp, how: StartOptions = {}) =>
  expectRefused(box, options, { code, words, value: VALUE }, how);

const issued = async () => (await box.log('--type', 'grant.issued')).length;

describe('the child never starts', () => {
  it('without a secret, and the denial names it', async () => {
    await expectClosed([...GRANT, '-e', 'OTHER=hasp://no/such'], 'E_SECRET_MISSING', /no\/such/);
    const denied = await box.log('--type', 'grant.denied');
    expect(denied.map(({ secret }) => secret)).toEqual(['api/key', 'no/such', 'api/key', 'no/such']);
    expect(await issued()).toBe(0);
  });

  it('without the version that was named', async () => {
    await expectClosed(['-e', 'KEY=hasp://api/key@9'], 'E_SECRET_MISSING', /api\/key has no version 9/);
  });

  it('without a vault', async () => {
    await expectClosed(GRANT, 'E_VAULT_MISSING', /hasp init/, { env: { HASP_HOME: path.join(box.root, 'empty') } });
  });

  it('with a locked vault and no terminal', async () => {
    renameSync(path.join(box.home, 'vault.key'), path.join(box.root, 'vault.key'));
    await expectClosed(GRANT, 'E_VAULT_LOCKED', /--key-file|HASP_KEY_FILE/);
    expect(await issued()).toBe(0);
    expect((await box.log('--type', 'grant.denied')).length).toBeGreaterThan(0);
  });

  it('with a wrong key, which is recorded', async () => {
    const wrong = box.write('wrong.key', randomBytes(32), 0o600);
    await expectClosed(['--key-file', wrong, ...GRANT], 'E_WRONG_KEY', /key/);
    expect((await box.log('--type', 'auth.failed')).length).toBeGreaterThan(0);
    expect(await issued()).toBe(0);
  });

  it('when nothing is granted, and says the two ways', async () => {
    const stderr = await expectClosed([], 'E_NOTHING_GRANTED', /hasp\.json/);
    expect(stderr).toMatch(/-e |--env/);
  });

  it.each([
    [['-e', 'KEY=api/key'], 'E_REFERENCE_INVALID'],
    [['-e', `KEY=${VALUE}`], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY=hasp://'], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY=hasp://a b'], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY=hasp://a//b'], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY=hasp://../a'], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY=hasp://api/key@0'], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY=hasp://api/key@x'], 'E_REFERENCE_INVALID'],
    [['-e', 'KEY='], 'E_REFERENCE_INVALID'],
    [['--file', 'KEY=op://api/key'], 'E_REFERENCE_INVALID'],
    [['--stdin', 'api/key'], 'E_REFERENCE_INVALID'],
    [['-e', '1KEY=hasp://api/key'], 'E_USAGE'],
    [['-e', '=hasp://api/key'], 'E_USAGE'],
    [['-e', 'HASP_GRANT=hasp://api/key'], 'E_USAGE'],
    [[...GRANT, '--stragglers', 'maybe'], 'E_USAGE'],
    [[...GRANT, '--redact', 'perhaps'], 'E_USAGE'],
    [[...GRANT, '--grace', '-1s'], 'E_USAGE'],
    [[...GRANT, '--ttl', '0s'], 'E_USAGE'],
    [[...GRANT, '--target', 'none'], 'E_NO_PROJECT'],
  ] as const)('with %j', async (options, code) => {
    await expectClosed(options, code, /^hasp: /);
  });

  it('with a typo in a flag, and names the nearest', async () => {
    for (const [typo, meant] of [
      ['--evn', '--env'],
      ['--fiel', '--file'],
      ['--stragler', '--stragglers'],
      ['--dryrun', '--dry-run'],
      ['--pristin', '--pristine'],
    ]) {
      await expectClosed([...GRANT, typo ?? '', 'x'], 'E_USAGE', new RegExp(`did you mean ${meant}\\?`));
    }
  });
});

describe('a variable that the parent has', () => {
  const env = { KEY: 'of the parent' };

  it('is a conflict', async () => {
    await expectClosed(GRANT, 'E_ENV_CONFLICT', /KEY.*\n.*--override/, { env });
    await expectClosed(['--file', 'KEY=hasp://api/key'], 'E_ENV_CONFLICT', /KEY.*\n.*--override/, { env });
    expect(await issued()).toBe(0);
  });

  it('is replaced with --override, and none when it is the same reference or value', async () => {
    const print = ['--', 'sh', '-c', 'echo "$KEY" | cut -c1-7'];
    for (const [options, present] of [
      [['--override'], 'of the parent'],
      [[], 'hasp://api/key'],
      [[], VALUE],
    ] as const) {
      const { status, stdout } = await box.run(['run', ...options, ...GRANT, ...print], { env: { KEY: present } });
      expect([present, status, stdout.toString()]).toEqual([present, 0, 'closed-\n']);
    }
    const other = await box.run(['run', ...GRANT, ...print], { env: { KEY: 'hasp://api/other' } });
    expect(other.status).toBe(125);
  });

  it('is a conflict also among the grants themselves', async () => {
    await expectClosed([...GRANT, '--file', 'KEY=hasp://api/key'], 'E_ENV_CONFLICT', /KEY/);
  });
});

describe('a value that can’t be delivered by environment', () => {
  it.each([
    ['with NUL', Buffer.from('abc\0defghi')],
    ['that is not UTF-8', Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x63, 0x64, 0x65, 0x66])],
    ['of 128 KiB with its name', Buffer.alloc(128 * 1024 - 4, 'x')],
    ['of 1 MiB', Buffer.alloc(1 << 20, 'x')],
  ])('%s is refused before anything is recorded, and the hint is --file', async (_what, value) => {
    await box.set('odd', value);
    const before = (await box.log()).length;
    await expectClosed(['-e', 'KEY=hasp://odd'], 'E_USAGE', /--file KEY=hasp:\/\/odd/);
    expect((await box.log()).length).toBe(before);
    const { stdout } = await box.run([
      'run',
      '--redact',
      'never',
      '--file',
      'KEY=hasp://odd',
      '--',
      'sh',
      '-c',
      'cat "$KEY"',
    ]);
    expect(stdout.equals(value)).toBe(true);
  });

  it('goes through when it just fits', async () => {
    await box.set('odd', Buffer.alloc(128 * 1024 - 5, 'x'));
    const { status, stdout } = await box.run(['run', '-e', 'KEY=hasp://odd', '--', 'sh', '-c', 'printf %s "${#KEY}"']);
    expect([status, stdout.toString()]).toEqual([0, String(128 * 1024 - 5)]);
  });
});

it('a command that is not there is named without the value that stands in it', async () => {
  await box.set('inpath', 'value-in-the-path');
  const { status, stderr } = await box.run(['run', '-e', 'P=hasp://inpath', '--', '/nowhere/value-in-the-path']);
  expect([status, stderr.toString()]).toEqual([
    127,
    expect.stringContaining('/nowhere/[hasp:inpath]: command not found'),
  ]);
  expect(stderr.toString()).not.toContain('value-in-the-path');
});

it('a variable whose name is not UTF-8 is refused, not lost', () => {
  const script = `import os,sys
os.execve(sys.argv[1], ['hasp','run','-e','K=hasp://odd','--','true'], {b'PATH': os.environb[b'PATH'], b'HASP_HOME': os.fsencode(sys.argv[2]), b'a\\xff': b'1'})`;
  const { status, stderr } = spawnSync('python3', ['-c', script, HASP, box.home]);
  expect([status, stderr.toString()]).toEqual([125, expect.stringContaining('not valid UTF-8')]);
});
