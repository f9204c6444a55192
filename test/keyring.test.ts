import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  faultOf,
  initKeyring,
  isInFile,
  KEYRING_RUN,
  KEYRING_VALUE,
  type KeyringLogin,
  keysIn,
  type LoggedIn,
  logIn,
  withKeyring,
} from './support/keyring.ts';
import { filesBelow, type Sandbox } from './support/sandbox.ts';

let box: Sandbox;
let login: KeyringLogin;
let how: LoggedIn['how'];
let leave: LoggedIn['leave'];

async function newLogin(): Promise<LoggedIn> {
  const loggedIn = await logIn();
  ({ box, login, how, leave } = loggedIn);
  return loggedIn;
}

withKeyring('a vault whose key is in the keyring', () => {
  let id = '';
  beforeAll(async () => {
    id = await initKeyring(await newLogin());
  });
  afterAll(() => leave());

  it('has an entry under hasp and its id, with the name of its home, and the key nowhere else', async () => {
    const entries = await login.entries();
    expect(entries).toContain('attribute.service = hasp');
    expect(entries).toContain(`attribute.account = ${id}`);
    expect(entries).toContain(`label = hasp vault key (${box.home})`);
    const [key = '', ...more] = keysIn(entries);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(more).toEqual([]);
    for (const file of [...filesBelow(box.home), ...filesBelow(box.tmp)]) {
      expect([file, isInFile(file, key)]).toEqual([file, false]);
    }
  });

  it('says so in its first record', async () => {
    expect(await box.log('--type', 'vault.created')).toMatchObject([{ keySource: 'keyring', vault: id }]);
  });

  it('opens without a word for everything that opens a vault', async () => {
    expect((await box.run(KEYRING_RUN, how())).stdout.toString()).toBe(KEYRING_VALUE);
    expect(await box.json(['secret', 'list'], how())).toMatchObject({ secrets: [{ name: 'api/key' }] });
    expect(await box.json(['audit', 'verify'], how())).toMatchObject({ ok: true });
    expect(await box.ok(['redact'], how({ stdin: `x ${KEYRING_VALUE}` }))).toBe('x [hasp:api/key]');
    const scan = await box.run(['scan', '--stdin'], how({ stdin: KEYRING_VALUE }));
    expect(scan.status).toBe(6);
    const hook = await box.run(['hook', 'commit-msg', box.write('message', `of ${KEYRING_VALUE}`)], how());
    expect(hook.status).toBe(6);
  });

  it('gives its command the environment that it had anyhow, and nothing that is hasp’s', async () => {
    const command = ['sh', '-c', 'env | sort'];
    const bare = await box.other(command, how());
    const run = await box.run(['run', '--redact', 'never', '-e', 'KEY=hasp://api/key', '--', ...command], how());
    const names = (text: Buffer) =>
      text
        .toString()
        .split('\n')
        .map((line) => line.split('=')[0]);
    const added = names(run.stdout).filter((name) => !names(bare.stdout).includes(name));
    expect(added.sort()).toEqual(['HASP_GRANT', 'KEY']);
  });

  it('is unlocked once for all by a broker, which then needs no keyring', async () => {
    await box.ok(['unlock'], how());
    try {
      expect((await box.run(KEYRING_RUN)).stdout.toString()).toBe(KEYRING_VALUE);
      expect((await box.run(['scan', '--stdin'], { stdin: KEYRING_VALUE })).status).toBe(6);
    } finally {
      await box.ok(['lock']);
    }
    await box.ok(['broker', 'start', '--detach', '--no-http'], how());
    expect((await box.run(KEYRING_RUN)).stdout.toString()).toBe(KEYRING_VALUE);
    await box.ok(['broker', 'stop']);
  });

  it('counts as exposed to an agent, which can ask the keyring as well', async () => {
    const session = await box.run(['session', 'start', '--', 'true'], how());
    expect([session.status, session.stderr.toString()]).toEqual([
      0,
      expect.stringContaining('can ask the keyring for'),
    ]);
    expect(await box.log('--type', 'session.started')).toMatchObject([{ keyExposed: true }]);
    await box.run(['broker', 'stop']);
  });

  it('is refused to a key file and to a passphrase, with the right way', async () => {
    const file = box.write('a.key', Buffer.alloc(32, 7), 0o600);
    for (const [argv, env] of [
      [['--key-file', file], {}],
      [[], { HASP_KEY_FILE: file }],
      [['--passphrase-fd', '0'], {}],
    ] as const) {
      const list = await box.run(['secret', 'list', '--json', ...argv], how({ env, stdin: 'words' }));
      expect([list.status, faultOf(list).code]).toEqual([3, 'E_WRONG_KEY']);
      expect(faultOf(list).message).toContain('keyring');
    }
    const run = await box.run(['run', '--key-file', file, '-e', 'KEY=hasp://api/key', '--', 'touch', 'started'], how());
    expect([run.status, existsSync(path.join(box.cwd, 'started'))]).toEqual([125, false]);
  });

  it('is there already for another init, of any kind', async () => {
    for (const argv of [['--keyring'], ['--key-file']]) {
      const again = await box.run(['init', '--json', ...argv], how());
      expect([again.status, faultOf(again).code]).toEqual([2, 'E_EXISTS']);
    }
    expect(keysIn(await login.entries())).toHaveLength(1);
  });

  it('is what doctor tells of', async () => {
    const { checks } = await box.json<{ checks: { name: string; state: string; hint?: string }[] }>(['doctor'], how());
    expect(checks.find(({ name }) => name === 'keyring')).toMatchObject({ state: 'ok' });
    expect(checks.find(({ name }) => name === 'vault')?.hint).toContain('keyring');
  });
});

withKeyring('hasp init --keyring', () => {
  beforeAll(newLogin);
  afterAll(() => leave());
  const home = (name: string) => ({ HASP_HOME: path.join(box.root, name) });

  it('makes nothing where there is no keyring, and says what to do', async () => {
    const nowhere = { ...home('nowhere'), DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    for (const options of [{ env: home('nowhere') }, { env: nowhere }]) {
      const made = await box.run(['init', '--keyring', '--json'], options);
      expect([made.status, faultOf(made).code]).toEqual([5, 'E_STORAGE']);
      expect(faultOf(made).hint).toMatch(/passphrase, or a key file/);
      expect(existsSync(path.join(box.root, 'nowhere'))).toBe(false);
    }
  });

  it('is one of three ways', async () => {
    for (const other of [['--key-file'], ['--key-file', 'x.key'], ['--passphrase-fd', '0']]) {
      const made = await box.run(['init', '--keyring', '--json', ...other], how({ env: home('both'), stdin: 'words' }));
      expect([made.status, faultOf(made).code]).toEqual([2, 'E_USAGE']);
    }
    expect(existsSync(path.join(box.root, 'both'))).toBe(false);
    expect(await login.entries()).toBe('');
  });

  it('hands the key to secret-tool on its stdin alone, and little of the environment', async () => {
    const seen = path.join(box.root, 'seen');
    const real = (await box.other(['which', 'secret-tool'])).stdout.toString().trim();
    const tool = box.write(
      'recording/secret-tool',
      `#!/bin/sh\n{ echo "$@"; env; } >>'${seen}'\nexec '${real}' "$@"\n`,
      0o755,
    );
    const PATH = `${path.dirname(tool)}:${process.env['PATH']}`;
    const env = { ...home('recorded'), PATH, LD_PRELOAD: '', DISPLAY: ':7', HASP_KEY_FILE: '', SECRET_BACKEND: 'file' };
    const before = keysIn(await login.entries());
    await box.ok(['init', '--keyring'], how({ env }));
    await box.ok(['secret', 'list'], how({ env }));
    const [key = 'none', ...more] = keysIn(await login.entries()).filter((each) => !before.includes(each));
    expect([key.length, more]).toEqual([64, []]);
    const text = readFileSync(seen, 'utf8');
    expect(text).toContain('store --label=');
    expect(text).not.toContain(key);
    for (const name of ['LD_PRELOAD', 'DISPLAY', 'HASP', 'SECRET_BACKEND']) expect(text).not.toContain(`\n${name}`);
  });

  it('makes a vault in a folder of any name', async () => {
    const env = home('josé\nsecret = none');
    await box.ok(['init', '--keyring'], how({ env }));
    await box.ok(['secret', 'list'], how({ env }));
    expect(await login.entries()).toContain('/jos__secret = none)');
  });

  it('takes the key back where the home can’t be made', async () => {
    writeFileSync(path.join(box.root, 'file'), '');
    const before = keysIn(await login.entries());
    const made = await box.run(['init', '--keyring', '--json'], how({ env: home('file/below') }));
    expect([made.status, faultOf(made).code]).toEqual([5, 'E_STORAGE']);
    expect(keysIn(await login.entries())).toEqual(before);
  });

  it('killed at any moment leaves a home in which the next one finishes', async () => {
    const { ms } = await box.run(['init', '--keyring'], how({ env: home('whole') }));
    for (let turn = 1; turn <= 24; turn += 1) {
      const env = home(`killed-${turn}`);
      const running = box.start(['init', '--keyring'], how({ env }));
      await new Promise((resolve) => setTimeout(resolve, (ms * turn) / 24));
      running.child.kill('SIGKILL');
      const first = await running.ended;
      const second = await box.run(['init', '--keyring', '--json'], how({ env }));
      if (second.status !== 0)
        expect([first.status ?? first.signal, faultOf(second).code]).toEqual([expect.anything(), 'E_EXISTS']);
      expect(await box.json(['audit', 'verify'], how({ env }))).toMatchObject({
        ok: true,
        records: expect.any(Number),
      });
    }
  }, 240_000);

  it('two at once make one vault, with one key', async () => {
    const env = home('twice');
    const before = keysIn(await login.entries()).length;
    const outcomes = await Promise.all([1, 2, 3].map(() => box.run(['init', '--keyring'], how({ env }))));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 2, 2]);
    await box.ok(['secret', 'list'], how({ env }));
    expect(keysIn(await login.entries())).toHaveLength(before + 1);
  });
});
