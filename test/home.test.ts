import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HASP, type Outcome, Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box.remove());

const codeOf = ({ stderr }: Outcome) => (JSON.parse(stderr.toString()) as { error: { code: string } }).error.code;
const modeOf = (file: string) => lstatSync(file).mode & 0o777;

describe('init', () => {
  it('makes a 0700 folder of 0600 files, whatever the umask, and says nothing on stdout', async () => {
    const made = await box.run(['init', '--key-file'], { through: ['sh', '-c', 'umask 0; exec "$@"', 'sh'] });
    expect([made.status, made.stdout.toString()]).toEqual([0, '']);
    expect(modeOf(box.home)).toBe(0o700);
    for (const name of readdirSync(box.home))
      expect([name, modeOf(path.join(box.home, name))]).toEqual([name, name === 'run' ? 0o700 : 0o600]);
    expect(readFileSync(path.join(box.home, 'vault.key'))).toHaveLength(32);
    expect(await box.log()).toMatchObject([{ seq: 1, type: 'vault.created', keySource: 'key-file' }]);
    await box.ok(['audit', 'verify']);
  });

  it('works under a umask that leaves the owner nothing, and for the run that follows', async () => {
    const umask = { through: ['sh', '-c', 'mkdir -m 700 "$HASP_HOME"; umask 0777; exec "$@"', 'sh'] };
    expect((await box.run(['init', '--key-file'], umask)).status).toBe(0);
    await box.set('x', 'file-value');
    const show = ['sh', '-c', 'stat -c %a "$X" "${X%/*}"'];
    const shown = await box.run(['run', '--file', 'X=hasp://x', '--', ...show], umask);
    expect([shown.status, shown.stdout.toString()]).toEqual([0, '600\n700\n']);
    expect(['vault.key', 'run'].map((name) => modeOf(path.join(box.home, name)))).toEqual([0o600, 0o700]);
  });

  it('refuses where there is a vault, and changes nothing', async () => {
    await box.ok(['init', '--key-file']);
    await box.set('x', 'kept-value');
    const again = await box.run(['init', '--key-file', '--json']);
    expect([again.status, codeOf(again)]).toEqual([2, 'E_EXISTS']);
    await box.ok(['run', '-e', 'X=hasp://x', '--', 'true']);
  });

  it('takes a key file at another place, which must then be named', async () => {
    const key = path.join(box.cwd, 'my.key');
    await box.ok(['init', '--key-file', key]);
    expect(modeOf(key)).toBe(0o600);
    expect(existsSync(path.join(box.home, 'vault.key'))).toBe(false);
    expect((await box.run(['secret', 'list'])).status).toBe(3);
    await box.ok(['secret', 'list', '--key-file', key]);
    await box.ok(['secret', 'list'], { env: { HASP_KEY_FILE: key } });
    await box.ok(['secret', 'list', '--key-file', 'my.key']);
    chmodSync(key, 0o644);
    const unsafe = await box.run(['secret', 'list', '--json'], { env: { HASP_KEY_FILE: key } });
    expect([unsafe.status, codeOf(unsafe)]).toEqual([3, 'E_HOME_UNSAFE']);
  });

  it('uses an existing key file of 32 bytes, and refuses any other', async () => {
    const key = box.write('there.key', Buffer.alloc(32, 9), 0o600);
    await box.ok(['init', '--key-file', key]);
    expect(readFileSync(key).equals(Buffer.alloc(32, 9))).toBe(true);
    const short = box.write('short.key', 'short', 0o600);
    const refused = await box.run(['init', '--key-file', short, '--json'], {
      env: { HASP_HOME: path.join(box.root, 'second') },
    });
    expect(refused.status).toBe(3);
    expect(readFileSync(short, 'utf8')).toBe('short');
  });

  it('without a terminal and without a key says how', async () => {
    const refused = await box.run(['init']);
    expect(refused.status).toBe(2);
    expect(refused.stderr.toString()).toMatch(/--key-file.*--passphrase-fd/);
    expect(existsSync(path.join(box.home, 'vault.db'))).toBe(false);
  });

  it('works in ~/.hasp where HASP_HOME is not set, and HASP_HOME may be a link, relative or new', async () => {
    await box.ok(['init', '--key-file'], { env: { HASP_HOME: undefined } });
    expect(existsSync(path.join(box.root, 'user/.hasp/vault.db'))).toBe(true);
    await box.ok(['init', '--key-file'], { env: { HASP_HOME: 'deep/er/home' } });
    expect(existsSync(path.join(box.cwd, 'deep/er/home/vault.db'))).toBe(true);
    symlinkSync(path.join(box.cwd, 'deep/er/home'), path.join(box.cwd, 'link'));
    await box.ok(['secret', 'list'], { env: { HASP_HOME: path.join(box.cwd, 'link') } });
    const nowhere = await box.run(['secret', 'list', '--json'], { env: { HASP_HOME: undefined, HOME: undefined } });
    expect([nowhere.status, codeOf(nowhere)]).toEqual([2, 'E_USAGE']);
  });

  it('takes over an empty folder, and refuses one that others can reach or that is none', async () => {
    mkdirSync(box.home, { mode: 0o755 });
    await box.ok(['init', '--key-file']);
    expect(modeOf(box.home)).toBe(0o700);
    const open = path.join(box.root, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(path.join(open, 'something'), '');
    const refused = await box.run(['init', '--key-file', '--json'], { env: { HASP_HOME: open } });
    expect([refused.status, codeOf(refused)]).toEqual([3, 'E_HOME_UNSAFE']);
    const file = await box.run(['init', '--key-file', '--json'], { env: { HASP_HOME: box.write('file', '') } });
    expect(file.status).toBeGreaterThanOrEqual(3);
  });

  it('refuses a home whose path is not UTF-8: it would be another one', async () => {
    const script = `export HASP_HOME="$1/$(printf 'h\\377')"; exec "$0" init --key-file`;
    const { status, stderr } = await box.other(['bash', '-c', script, HASP, box.root]);
    expect([status, stderr.toString()]).toEqual([2, expect.stringContaining('not valid UTF-8')]);
  });

  it('eight at once make one vault, with one log', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => box.run(['init', '--key-file', '--json'])));
    expect(outcomes.filter(({ status }) => status === 0)).toHaveLength(1);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 1 });
    await box.set('x', 'value-value');
  });

  it('killed at any moment leaves nothing or what the next init finishes', async () => {
    for (let delay = 20; delay <= 140; delay += 20) {
      const env = { HASP_HOME: path.join(box.root, `killed-${delay}`) };
      const running = box.start(['init', '--key-file'], { env });
      await new Promise((resolve) => setTimeout(resolve, delay));
      running.child.kill('SIGKILL');
      await running.ended;
      const again = await box.run(['init', '--key-file', '--json'], { env });
      if (again.status !== 0) expect([delay, codeOf(again)]).toEqual([delay, 'E_EXISTS']);
      await box.ok(['secret', 'set', 'x'], { env, stdin: 'value-value' });
      await box.ok(['audit', 'verify'], { env });
    }
  });

  it('makes the key anew that a killed one has not written to its end', async () => {
    mkdirSync(box.home, { mode: 0o700 });
    writeFileSync(path.join(box.home, 'vault.key'), 'half of it', { mode: 0o600 });
    await box.ok(['init', '--key-file']);
    await box.ok(['secret', 'set', 'x'], { stdin: 'value-value' });
  });
});

describe('every command', () => {
  const COMMANDS = [
    ['secret', 'list'],
    ['secret', 'set', 'x'],
    ['secret', 'show', 'x'],
    ['audit', 'verify'],
    ['audit', 'log'],
    ['grants'],
  ];

  it('says E_VAULT_MISSING where there is no vault, exit 4, and makes none', async () => {
    for (const argv of COMMANDS) {
      const { status, stderr } = await box.run([...argv, '--json'], { stdin: 'value-value' });
      if (argv[0] === 'grants') continue;
      expect([argv, status]).toEqual([argv, 4]);
      expect(stderr.toString()).toContain('"E_VAULT_MISSING"');
    }
    expect(existsSync(path.join(box.home, 'vault.db'))).toBe(false);
  });

  it('refuses a home that others can reach', async () => {
    await box.ok(['init', '--key-file']);
    chmodSync(box.home, 0o750);
    for (const argv of COMMANDS) {
      const outcome = await box.run([...argv, '--json'], { stdin: 'value-value' });
      expect([argv, outcome.status, codeOf(outcome)]).toEqual([argv, 3, 'E_HOME_UNSAFE']);
    }
  });
});

describe('a vault.db that is damaged', () => {
  it('is E_VAULT_CORRUPT or E_WRONG_KEY, never a value and never a crash', async () => {
    await box.ok(['init', '--key-file']);
    await box.set('x', 'damage-test-value');
    const file = path.join(box.home, 'vault.db');
    for (const name of ['vault.db-wal', 'vault.db-shm']) rmSync(path.join(box.home, name), { force: true });
    const intact = readFileSync(file);
    const size = statSync(file).size;
    for (const damage of [
      Buffer.alloc(0),
      intact.subarray(0, size / 2),
      Buffer.alloc(size, 0xff),
      Buffer.from('not a database at all'),
    ]) {
      writeFileSync(file, damage, { mode: 0o600 });
      const { status, stdout, stderr } = await box.run(['run', '--json', '-e', 'X=hasp://x', '--', 'touch', 'started']);
      expect([status, stdout.toString()]).toEqual([125, '']);
      expect(stderr.toString()).toMatch(/"E_(?:VAULT_CORRUPT|WRONG_KEY|VAULT_MISSING)"/);
    }
    expect(existsSync(path.join(box.cwd, 'started'))).toBe(false);
  });
});

describe('doctor', () => {
  interface Report {
    readonly ok: boolean;
    readonly checks: readonly {
      readonly name: string;
      readonly state: string;
      readonly detail: string;
      readonly hint?: string;
    }[];
  }

  it('says ok of a sound home', async () => {
    await box.ok(['init', '--key-file']);
    const report = await box.json<Report>(['doctor']);
    expect(report.ok).toBe(true);
    expect(report.checks.map(({ name }) => name)).toEqual([
      'node',
      'home',
      'vault',
      'log',
      'runs',
      'tracking',
      'launch',
    ]);
    expect(report.checks.find(({ name }) => name === 'tracking')?.detail).toMatch(/full/);
  });

  it('says what is wrong and what to do, and --fix does it', async () => {
    await box.ok(['init', '--key-file']);
    chmodSync(box.home, 0o755);
    chmodSync(path.join(box.home, 'vault.db'), 0o644);
    const { status, stdout } = await box.run(['doctor', '--json']);
    expect(status).toBe(3);
    expect((JSON.parse(stdout.toString()) as Report).checks.find(({ name }) => name === 'home')).toMatchObject({
      state: 'problem',
      hint: `chmod 700 ${box.home}`,
    });
    await box.ok(['doctor', '--fix']);
    expect([modeOf(box.home), modeOf(path.join(box.home, 'vault.db'))]).toEqual([0o700, 0o600]);
  });

  it('names a broken log and a missing vault', async () => {
    expect((await box.run(['doctor'])).status).toBe(4);
    await box.ok(['init', '--key-file']);
    rmSync(path.join(box.home, 'audit.seal'));
    expect((await box.run(['doctor'])).status).toBe(6);
  });

  it('warns of values that are too short to be masked, without a value', async () => {
    await box.ok(['init', '--key-file']);
    await box.set('pin', '4711');
    const report = await box.json<Report>(['doctor']);
    const vault = report.checks.find(({ name }) => name === 'vault');
    expect(vault?.state).toBe('warning');
    expect(JSON.stringify(report)).toContain('pin');
    expect(JSON.stringify(report)).not.toContain('4711');
  });
});
