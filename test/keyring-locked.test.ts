import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  faultOf,
  initKeyring,
  KEYRING_RUN,
  KEYRING_VALUE,
  type KeyringLogin,
  keysIn,
  type LoggedIn,
  logIn,
  pathWithout,
  withKeyring,
} from './support/keyring.ts';
import type { Sandbox, StartOptions } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

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

  /** A locked vault is never an empty one, and never a wait. */
  async function expectLocked(options: StartOptions, message: RegExp, code = 'E_VAULT_LOCKED'): Promise<void> {
    const list = await box.run(['secret', 'list', '--json'], options);
    expect([list.status, faultOf(list)]).toEqual([
      3,
      { code, message: expect.stringMatching(message), hint: expect.any(String) },
    ]);
    const run = await box.run(['run', '--json', '-e', 'KEY=hasp://api/key', '--', 'touch', 'started'], options);
    expect([run.status, faultOf(run).code, existsSync(path.join(box.cwd, 'started'))]).toEqual([125, code, false]);
  }

  it('is locked where there is no session bus', async () => {
    await expectLocked({}, /no session bus/);
    await expectLocked({ env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' } }, /could not connect/i);
  });

  it('is locked where the bus is dead, silent, or has no keyring', async () => {
    const socket = path.join(box.root, 'silent');
    const server = createServer(() => {}).listen(socket);
    const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` };
    const before = performance.now();
    await box.other(['node', '-e', '0']);
    const slow = (performance.now() - before) / 50;
    const list = await box.run(['secret', 'list', '--json'], { env });
    expect([list.status, faultOf(list).message]).toEqual([3, expect.stringContaining('does not answer')]);
    // A second on a machine that has time for it.
    expect(list.ms).toBeLessThan(1_000 * Math.max(1, slow) + 5_000 * Number(slow > 1.5));
    await expectLocked({ env }, /does not answer/);
    server.close();
    const config = box.write(
      'no-services.conf',
      '<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>',
    );
    const through = ['dbus-run-session', `--config-file=${config}`, '--'];
    const empty = await box.run(['secret', 'list', '--json'], { through });
    expect([empty.status, faultOf(empty).code]).toEqual([3, 'E_VAULT_LOCKED']);
    expect(faultOf(empty).message).toContain('org.freedesktop.secrets');
  });

  it('is locked where secret-tool is not installed, and says what to install', async () => {
    const options = how({ env: { PATH: pathWithout(box, 'secret-tool') } });
    const list = await box.run(['secret', 'list', '--json'], options);
    expect(faultOf(list)).toMatchObject({ code: 'E_VAULT_LOCKED', message: expect.stringContaining('not installed') });
    expect(faultOf(list).hint).toContain('libsecret-tools');
  });

  it('is not opened by an entry of another length, or of another key', async () => {
    const entry = keysIn(await login.entries())[0] ?? '';
    const put = (text: string) => login.tool(['store', '--label=x', 'service', 'hasp', 'account', id], text);
    for (const [text, message] of [
      [entry.slice(2), /no key of 32 bytes/],
      [`${entry}00`, /no key of 32 bytes/],
      ['é'.repeat(32), /no key of 32 bytes/],
      ['0'.repeat(64), /does not open this vault/],
    ] as const) {
      await put(text);
      await expectLocked(how(), message, 'E_WRONG_KEY');
    }
    // Of several the one that opens it: so it is while it gets another.
    await put(`${'0'.repeat(64)},${entry}`);
    expect((await box.run(KEYRING_RUN, how())).stdout.toString()).toBe(KEYRING_VALUE);
    await put(entry);
    expect((await box.run(KEYRING_RUN, how())).stdout.toString()).toBe(KEYRING_VALUE);
  });

  it('is locked where the entry is gone, and names it', async () => {
    const entry = keysIn(await login.entries())[0] ?? '';
    await login.tool(['clear', 'service', 'hasp', 'account', id]);
    await expectLocked(how(), /no key for it/);
    expect(faultOf(await box.run(['secret', 'list', '--json'], how())).hint).toContain(id);
    await login.tool(['store', '--label=x', 'service', 'hasp', 'account', id], entry);
    expect((await box.run(KEYRING_RUN, how())).stdout.toString()).toBe(KEYRING_VALUE);
  });

  it('is locked with a locked keyring, at once, and where nobody can be asked also on a terminal', async () => {
    await login.lock();
    await expectLocked(how(), /so is the keyring/);
    expect((await box.log('--type', 'grant.denied')).at(-1)).toMatchObject({ secret: 'api/key' });
    const shown = await onTerminal(box, KEYRING_RUN, [], how());
    expect([shown.status, shown.stdout.toString()]).toEqual([125, expect.stringContaining('so is the keyring')]);
    const { status, stdout } = await box.run(['doctor', '--json'], how());
    const { checks } = JSON.parse(stdout.toString()) as { checks: { name: string; state: string }[] };
    expect([status, checks.find(({ name }) => name === 'keyring')?.state]).toEqual([0, 'warning']);
  });
});

// A keyring that asks in a window of its own is played: no window can be opened here.
withKeyring('a keyring that has to ask', () => {
  let env: Record<string, string>;
  let asked: string;
  beforeAll(async () => {
    await newLogin();
    const { vault } = await box.json<{ vault: string }>(['init', '--keyring'], how());
    await box.ok(['secret', 'set', 'api/key'], how({ stdin: KEYRING_VALUE }));
    const key = keysIn(await login.entries())[0] ?? '';
    asked = path.join(box.root, 'asked');
    const played = `#!/bin/sh
case $1 in
  search) printf '[/1]\\nlabel = x\\nattribute.account = ${vault}\\n'; echo 'secret-tool: Cannot get secret of a locked object' >&2 ;;
  lookup) echo asked >>'${asked}'; [ -e '${asked}-long' ] && echo asking >/dev/tty && exec sleep 60; printf ${key} ;;
esac
`;
    const tool = box.write('played/secret-tool', played, 0o755);
    env = { PATH: `${path.dirname(tool)}:${process.env['PATH']}` };
  });
  afterAll(() => leave());
  const timesAsked = () => (existsSync(asked) ? readFileSync(asked, 'utf8').split('\n').length - 1 : 0);

  it('asks nobody where there is no terminal', async () => {
    const list = await box.run(['secret', 'list', '--json'], how({ env }));
    expect([list.status, faultOf(list).code, timesAsked()]).toEqual([3, 'E_VAULT_LOCKED', 0]);
    expect((await box.run(KEYRING_RUN, how({ env }))).status).toBe(125);
    expect(timesAsked()).toBe(0);
  });

  it('asks the person at a terminal, and then the run begins', async () => {
    const run = await onTerminal(box, KEYRING_RUN, [], how({ env }));
    expect([run.status, run.stdout.toString()]).toEqual([0, expect.stringMatching(new RegExp(`${KEYRING_VALUE}$`))]);
    expect(timesAsked()).toBe(1);
    expect((await onTerminal(box, ['secret', 'list'], [], how({ env }))).status).toBe(0);
  });

  it('ends with the person’s Ctrl-C, and grants nothing', async () => {
    const locked = 'hasp: the keyring is locked: it asks for its password in a window\r\n';
    writeFileSync(`${asked}-long`, '');
    for (const [argv, status] of [
      [KEYRING_RUN, 125],
      [['secret', 'list'], 130],
    ] as const) {
      const exchanges = [{ question: `${locked}asking`, answer: '\u0003', enter: false }];
      const given = await onTerminal(box, argv, exchanges, how({ env }));
      expect(given.status).toBe(status);
      expect(given.stdout.toString()).not.toContain(KEYRING_VALUE);
    }
  });
});
