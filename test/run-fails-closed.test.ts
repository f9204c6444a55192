import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox, type StartOptions } from './support/sandbox.ts';

const VALUE = `closed-${randomBytes(12).toString('hex')}`;
const GRANT = ['-e', 'KEY=hasp://api/key'];
const isRoot = process.getuid?.() === 0;
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

/** The child must not have run, quickly, with one line that names the fault, one hint at most, and no value. */
async function expectClosed(
  options: readonly string[],
  code: string,
  words: RegExp,
  how: StartOptions = {},
): Promise<string> {
  const marker = path.join(box.cwd, 'started');
  const argv = ['run', ...options, '--', 'touch', marker];
  const outcome = await box.run(argv, how);
  const stderr = outcome.stderr.toString();
  expect({ status: outcome.status, stdout: outcome.stdout.toString(), started: existsSync(marker) }).toEqual({
    status: 125,
    stdout: '',
    started: false,
  });
  expect(stderr).toMatch(/^hasp: [^\n]+\n(?: {2}→ [^\n]+\n)?$/);
  expect(stderr).toMatch(words);
  expect(stderr).not.toContain(VALUE);
  // A second is promised on a quiet machine.
  expect(outcome.ms).toBeLessThan(5_000);
  const json = await box.run(['run', '--json', ...argv.slice(1)], how);
  expect(json.status).toBe(125);
  expect(json.stderr.toString()).toMatch(/^\{[^\n]+\}\n$/);
  expect((JSON.parse(json.stderr.toString()) as { error: { code: string } }).error.code).toBe(code);
  expect(existsSync(marker)).toBe(false);
  return stderr;
}

/** Whether this machine lets us (a container may not). */
function isPossible(command: string): boolean {
  try {
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

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

describe('a home that others could reach', () => {
  it.each([
    ['', 0o755, '700'],
    ['', 0o770, '700'],
    ['vault.db', 0o644, '600'],
    ['vault.key', 0o640, '600'],
    ['audit.jsonl', 0o604, '600'],
    ['audit.seal', 0o666, '600'],
    ['run', 0o711, '700'],
  ])('%s with mode %o gives the chmod to run', async (name, mode, needed) => {
    await box.ok(['run', ...GRANT, '--', 'true']);
    const place = path.join(box.home, name).replace(/\/$/, '');
    chmodSync(place, mode);
    const stderr = await expectClosed(GRANT, 'E_HOME_UNSAFE', /chmod/);
    const remedy = /→ (.*)\n/.exec(stderr)?.[1] ?? '';
    expect(remedy).toBe(`chmod ${needed} ${place}`);
    expect((await box.run(['secret', 'list'])).status).toBe(3);
    execFileSync('sh', ['-c', remedy]);
    await box.ok(['run', ...GRANT, '--', 'true']);
  });

  it.runIf(isRoot)('is refused if it belongs to somebody else', async () => {
    execFileSync('chown', ['12345', path.join(box.home, 'vault.db')]);
    await expectClosed(GRANT, 'E_HOME_UNSAFE', /another user/);
  });
});

describe('a log that can’t be written', () => {
  const log = () => path.join(box.home, 'audit.jsonl');

  it('or is a folder', async () => {
    rmSync(log());
    mkdirSync(log(), { mode: 0o700 });
    await expectClosed(GRANT, 'E_HOME_UNSAFE', /audit\.jsonl/);
  });

  it('or is gone', async () => {
    rmSync(log());
    await expectClosed(GRANT, 'E_CHAIN_BROKEN', /audit/);
  });

  it('or lost its seal', async () => {
    rmSync(path.join(box.home, 'audit.seal'));
    await expectClosed(GRANT, 'E_CHAIN_BROKEN', /seal/);
  });

  it('or was cut', async () => {
    const lines = readFileSync(log(), 'utf8').split('\n');
    writeFileSync(log(), `${lines.slice(0, -2).join('\n')}\n`);
    await expectClosed(GRANT, 'E_CHAIN_BROKEN', /log/);
  });

  it('or ends in foreign bytes: these are fenced, recorded, and the run goes on', async () => {
    appendFileSync(log(), '{"v":1,"seq":99,"torn');
    await box.ok(['run', ...GRANT, '--', 'true']);
    expect(await box.log('--type', 'audit.recovered')).toHaveLength(1);
    expect(await box.json<{ ok: boolean; fenced: number }>(['audit', 'verify'])).toMatchObject({ ok: true, fenced: 1 });
  });

  it('or is read-only', async () => {
    // Modes do not stop root; an immutable file does, on file systems that know it.
    const [shut, open] = isRoot ? ['chattr +i', 'chattr -i'] : ['chmod 400', 'chmod 600'];
    if (!isPossible(`${shut} ${log()}`)) return;
    await expectClosed(GRANT, 'E_AUDIT_WRITE', /audit/).finally(() => isPossible(`${open} ${log()}`));
    await box.ok(['run', ...GRANT, '--', 'true']);
    await box.ok(['audit', 'verify']);
  });
});

describe.runIf(isRoot)('a full disk', () => {
  it('keeps the child from starting, and loses nothing that was acknowledged', async () => {
    const small = path.join(box.root, 'small');
    mkdirSync(small);
    if (!isPossible(`mount -t tmpfs -o size=2m,mode=700 tmpfs ${small}`)) return;
    try {
      const env = { HASP_HOME: path.join(small, 'home') };
      await box.ok(['init', '--key-file'], { env });
      await box.ok(['secret', 'set', 'api/key'], { env, stdin: VALUE });
      await box.ok(['run', ...GRANT, '--', 'true'], { env });
      fillDisk(path.join(small, 'filler'));
      await expectClosed(GRANT, 'E_AUDIT_WRITE', /ENOSPC|full|space/, { env }).catch(() => expectFull(env));
      rmSync(path.join(small, 'filler'));
      await box.ok(['run', ...GRANT, '--', 'true'], { env });
      await box.ok(['audit', 'verify'], { env });
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });

  /** Which of the first writes fails depends on how full the last page is. */
  async function expectFull(env: Record<string, string>): Promise<void> {
    await expectClosed(GRANT, 'E_STORAGE', /ENOSPC|full|space/, { env });
  }

  function fillDisk(file: string): void {
    const descriptor = openSync(file, 'w');
    expect(() => {
      for (;;) appendFileSync(descriptor, Buffer.alloc(512));
    }).toThrow(/ENOSPC/);
    closeSync(descriptor);
  }
});
