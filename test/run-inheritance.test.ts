import { closeSync, openSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASP, type Outcome, Sandbox, type StartOptions } from './support/sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'inheritance-value' });
});
afterAll(() => box.remove());

const GRANT = ['run', '-e', 'KEY=hasp://api/key', '--'];

/** The same command without hasp and with it. */
async function both(argv: readonly string[], options: StartOptions = {}): Promise<[bare: Outcome, wrapped: Outcome]> {
  return [await box.other(argv, options), await box.run([...GRANT, ...argv], options)];
}

describe('arguments', () => {
  it('reach the child unchanged', async () => {
    const words = [
      '',
      ' ',
      'two words',
      '$X',
      '$(id)',
      '`id`',
      '--',
      '-e',
      '--json',
      'a"b',
      "a'b",
      'line\nbreak',
      '*',
      '\\',
      'é😀',
      '\t',
      '=',
    ];
    const print = ['node', '-e', 'process.stdout.write(JSON.stringify(process.argv.slice(1)))', '--', ...words];
    const [bare, wrapped] = await both(print);
    expect(wrapped.stdout.toString()).toBe(bare.stdout.toString());
    expect(JSON.parse(wrapped.stdout.toString())).toEqual(words);
  });

  it('reach it when the command itself begins with a dash', async () => {
    const file = box.write('-e', '#!/bin/sh\necho "$0 $*"', 0o755);
    const env = { PATH: `${file.slice(0, -3)}:${process.env['PATH']}` };
    const { stdout } = await box.run([...GRANT, '-e', '--', '-e'], { env });
    expect(stdout.toString()).toMatch(/\/-e -- -e\n$/);
  });

  it('are refused, never altered, where they are not UTF-8', async () => {
    const script = `exec "$0" run -e KEY=hasp://api/key -- touch "$(printf 'bad\\377name')"`;
    const { status, stderr } = await box.other(['bash', '-c', script, HASP]);
    expect(status).toBe(125);
    expect(stderr.toString()).toMatch(/not valid UTF-8/);
  });

  it('are many', async () => {
    const words = Array.from({ length: 20_000 }, (_, index) => `word-${index}`);
    const [bare, wrapped] = await both(['sh', '-c', 'echo $#; printf %s "$*" | cksum', 'sh', ...words]);
    expect(wrapped.stdout.toString()).toBe(bare.stdout.toString());
  });
});

describe('the environment', () => {
  /** NAME=value entries as the kernel has them, sorted, but for those that hasp is to add. */
  const entries = (outcome: Outcome) =>
    outcome.stdout
      .toString('latin1')
      .split('\0')
      .filter((entry) => entry !== '' && !/^(?:KEY|HASP_GRANT)=/.test(entry))
      .sort();
  const READ = ['cat', '/proc/self/environ'];

  it('is byte for byte what it is without hasp, but for HASP_GRANT and what was granted', async () => {
    const env = {
      EMPTY: '',
      SPACES: ' a  b ',
      NEWLINE: 'a\nb\n',
      UNICODE: 'é😀',
      EQUALS: 'a=b=c',
      'a.b': 'dots',
      'npm_config_//registry.example/:_authToken': 'slashes',
      'BASH_FUNC_f%%': '() { echo hostile; }',
      BASH_ENV: '/nowhere',
      ENV: '/nowhere',
      NODE_OPTIONS: '--max-old-space-size=333',
      NODE_DEBUG: 'child_process',
      NODE_PATH: '/nowhere',
      NODE_EXTRA_CA_CERTS: '/nowhere.pem',
      OPENSSL_CONF: '/nowhere.cnf',
      LC_ALL: 'xx_YY.nothing',
      PWD: '/not/where/we/are',
      OLDPWD: '/old',
      SHLVL: '41',
      _: '/usr/bin/something',
      IFS: ':',
      PS4: '$(touch hostile)',
      SHELLOPTS: 'xtrace',
      BASHOPTS: 'extdebug',
      POSIXLY_CORRECT: '1',
      UID: '7',
      RANDOM: '4',
      LINES: '10',
      COLUMNS: '20',
      __HASP_ENV_0: 'NODE_OPTIONS=--require /nowhere',
      __HASP_LAUNCHER: '1',
      HASP_LOOKALIKE: 'yes',
      HASP_SESSION: 'session-id',
    };
    const [bare, wrapped] = await both(READ, { env });
    expect(wrapped.stderr.toString()).toBe('');
    expect(entries(wrapped)).toEqual(entries(bare));
    expect(wrapped.stdout.toString()).toMatch(/(?:^|\0)KEY=\[hasp:api\/key\](?:\0|$)/);
    expect(wrapped.stdout.toString()).toMatch(/(?:^|\0)HASP_GRANT=[0-9a-f]{16}(?:\0|$)/);
  });

  it('is the same where there is next to none', async () => {
    const nothing = Object.fromEntries(Object.keys(box.environment).map((name) => [name, undefined]));
    const env = { ...nothing, HASP_HOME: box.home, PATH: process.env['PATH'] };
    const [bare, wrapped] = await both(READ, { env });
    expect(entries(wrapped)).toEqual(entries(bare));
  });

  it('keeps to itself what could unlock the vault and an outer run’s own', async () => {
    const env = {
      HASP_KEY_FILE: `${box.home}/vault.key`,
      HASP_SOCKET: '/outer/socket',
      HASP_GRANT: 'ffffffffffffffff',
    };
    const wrapped = await box.run([...GRANT, ...READ], { env });
    expect(wrapped.status).toBe(0);
    const text = wrapped.stdout.toString();
    expect(text).not.toMatch(/HASP_KEY_FILE|HASP_SOCKET|ffffffffffffffff/);
    expect(text.match(/HASP_GRANT=/g)).toHaveLength(1);
  });

  it('is refused, never altered, where it is not UTF-8', async () => {
    const script = `export BAD="$(printf '\\377')"; exec "$0" run -e KEY=hasp://api/key -- touch started`;
    const { status, stderr } = await box.other(['bash', '-c', script, HASP]);
    expect(status).toBe(125);
    expect(stderr.toString()).toMatch(/not valid UTF-8/);
  });

  it('starts from a few names with --pristine', async () => {
    const env = {
      LC_TIME: 'C',
      TZ: 'UTC',
      USER: 'me',
      SHELL: '/bin/sh',
      TERM: 'dumb',
      MINE: '1',
      NODE_OPTIONS: '--no-warnings',
    };
    const { stdout } = await box.run(['run', '-e', 'KEY=hasp://api/key', '--pristine', '--', ...READ], { env });
    const names = stdout
      .toString()
      .split('\0')
      .filter(Boolean)
      .map((entry) => entry.split('=')[0]);
    expect(names.sort()).toEqual([
      'HASP_GRANT',
      'HASP_HOME',
      'HOME',
      'KEY',
      'LANG',
      'LC_TIME',
      'PATH',
      'SHELL',
      'TERM',
      'TMPDIR',
      'TZ',
      'USER',
    ]);
  });
});

describe('the rest of what a process inherits', () => {
  const SHOW = ['sh', '-c', 'umask; ulimit -Sn; ulimit -Hn; pwd -P; grep -E "^Sig(Ign|Blk|Cgt)" /proc/self/status'];
  const through = (script: string) => ['bash', '-c', `${script}; exec "$@"`, 'bash'];

  it('is the same: umask, limits, folder, ignored and blocked signals', async () => {
    for (const script of [
      'umask 027; ulimit -Sn 512',
      "trap '' HUP USR1 QUIT PIPE; umask 0",
      'ulimit -Sn 4096; cd /',
    ]) {
      const [bare, wrapped] = await both(SHOW, { through: through(script) });
      expect(wrapped.status).toBe(0);
      expect(wrapped.stdout.toString()).toBe(bare.stdout.toString());
    }
  });

  it('holds under nohup: a hang-up ends neither hasp nor the child', async () => {
    const wait = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done';
    const running = box.startOther(['nohup', HASP, ...GRANT, 'sh', '-c', wait]);
    await running.printed('ready');
    process.kill(-running.pid, 'SIGHUP');
    running.child.kill('SIGTERM');
    expect((await running.ended).status).toBe(9);
  });

  it('has the same process group as without hasp', async () => {
    const [bare, wrapped] = await both([
      'sh',
      '-c',
      'test "$(cut -d" " -f5 /proc/$$/stat)" = "$(cut -d" " -f6 /proc/$$/stat)" && echo leads',
    ]);
    expect([bare.stdout.toString(), wrapped.stdout.toString()]).toEqual(['leads\n', 'leads\n']);
  });

  it('has the descriptors from 3 on, and none of hasp’s own', async () => {
    const three = openSync(box.write('three', 'from three'), 'r');
    const nine = openSync(box.write('nine', ''), 'a');
    const descriptors = [three, 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', nine] as const;
    const script = 'cat <&3; echo to nine >&9; for fd in /proc/$$/fd/*; do echo "${fd##*/}"; done';
    const [bare, wrapped] = await both(['sh', '-c', script], { descriptors });
    closeSync(three);
    closeSync(nine);
    expect(bare.stdout.toString()).toMatch(/^from three/);
    // The shared offset of 3 stands at the end of the file the second time.
    expect(wrapped.stdout.toString()).toBe(bare.stdout.toString().replace('from three', ''));
    expect(readFileSync(`${box.cwd}/nine`, 'utf8')).toBe('to nine\nto nine\n');
  });

  it('has a large descriptor', async () => {
    const { status, stdout } = await box.other([
      'bash',
      '-c',
      'exec 200<"$1"; exec "$0" run -e KEY=hasp://api/key -- cat /dev/fd/200',
      HASP,
      box.write('far', 'far away'),
    ]);
    expect([status, stdout.toString()]).toEqual([0, 'far away']);
  });
});
