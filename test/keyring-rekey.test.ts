import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  faultOf,
  isInFile,
  KEYRING_VALUE,
  type KeyringLogin,
  keysIn,
  type LoggedIn,
  logIn,
  withKeyring,
} from './support/keyring.ts';
import { filesBelow, type Sandbox, type StartOptions } from './support/sandbox.ts';

const PASSPHRASE = 'correct horse battery staple';

let box: Sandbox;
let login: KeyringLogin;
let how: LoggedIn['how'];
let leave: LoggedIn['leave'];
const keys = async () => keysIn(await login.entries());
const opens = async (options: StartOptions = how()) => (await box.run(['secret', 'list'], options)).status === 0;
const rekey = (...argv: string[]) => box.run(['vault', 'rekey', '--json', ...argv], how({ stdin: PASSPHRASE }));

withKeyring('vault rekey', () => {
  beforeEach(async () => {
    ({ box, login, how, leave } = await logIn());
  });
  afterEach(() => leave());
  const init = async (...argv: string[]) => {
    const { vault } = await box.json<{ vault: string }>(['init', ...argv], how());
    await box.ok(['secret', 'set', 'api/key'], how({ stdin: KEYRING_VALUE }));
    return vault;
  };

  it('into the keyring takes the key file away, and the key is nowhere else', async () => {
    const id = await init('--key-file');
    const file = path.join(box.home, 'vault.key');
    const before = readFileSync(file);
    const done = await rekey('--new-keyring');
    expect(JSON.parse(done.stdout.toString())).toMatchObject({ vault: id, keySource: 'keyring' });
    expect([existsSync(file), await opens(), await opens({})]).toEqual([false, true, false]);
    const [key = '', ...more] = await keys();
    expect([key.length, more]).toEqual([64, []]);
    for (const each of filesBelow(box.home)) {
      expect([each, isInFile(each, key), isInFile(each, before.toString('hex'))]).toEqual([each, false, false]);
    }
    expect(await box.log('--type', 'vault.rekeyed')).toMatchObject([{ keySource: 'keyring', from: 'key-file' }]);
    expect(await box.json(['audit', 'verify'], how())).toMatchObject({ ok: true });
  });

  it('within the keyring leaves one key there, another one, and the old one opens nothing', async () => {
    const id = await init('--keyring');
    const before = await keys();
    expect((await rekey()).status).toBe(0);
    const after = await keys();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    expect(await opens()).toBe(true);
    await login.tool(['store', '--label=x', 'service', 'hasp', 'account', id], before[0] ?? '');
    expect(faultOf(await box.run(['secret', 'list', '--json'], how())).code).toBe('E_WRONG_KEY');
  });

  it('out of the keyring takes the entry away', async () => {
    await init('--keyring');
    expect((await rekey('--new-passphrase-fd', '0')).status).toBe(0);
    expect(await keys()).toEqual([]);
    expect(await login.entries()).toBe('');
    expect((await box.run(['secret', 'list', '--passphrase-fd', '0'], { stdin: PASSPHRASE })).status).toBe(0);
    const back = await box.run(['vault', 'rekey', '--passphrase-fd', '0', '--new-keyring'], how({ stdin: PASSPHRASE }));
    expect([back.status, await opens()]).toEqual([0, true]);
    expect((await rekey('--new-key-file')).status).toBe(0);
    expect([await keys(), await opens({})]).toEqual([[], true]);
  });

  it('changes nothing where the keyring does not take the key', async () => {
    await init('--key-file');
    const done = await box.run(['vault', 'rekey', '--new-keyring', '--json'], {});
    expect([done.status, faultOf(done).code, await opens({})]).toEqual([5, 'E_STORAGE', true]);
    await login.lock();
    const locked = await rekey('--new-keyring');
    expect([locked.status, faultOf(locked).code, await opens({})]).toEqual([5, 'E_STORAGE', true]);
  });

  it('by several at once leaves a vault that opens, and one key', async () => {
    await init('--keyring');
    const outcomes = await Promise.all([1, 2, 3].map(() => rekey()));
    expect(outcomes.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    for (const each of outcomes) if (each.status !== 0) expect(faultOf(each).code).toBe('E_WRONG_KEY');
    expect([await opens(), (await keys()).length]).toEqual([true, 1]);
  });

  it('killed at any moment leaves a vault that opens', async () => {
    await init('--keyring');
    const { ms } = await rekey();
    for (let turn = 1; turn <= 25; turn += 1) {
      const running = box.start(['vault', 'rekey'], how());
      await new Promise((resolve) => setTimeout(resolve, (ms * turn) / 25));
      running.child.kill('SIGKILL');
      await running.ended;
      expect([turn, await opens()]).toEqual([turn, true]);
    }
    expect(await box.json(['audit', 'verify'], how())).toMatchObject({ ok: true });
    expect((await rekey()).status).toBe(0);
    expect(await opens()).toBe(true);
  }, 240_000);

  it('of a copy leaves the original its key', async () => {
    await init('--keyring');
    const backup = path.join(box.root, 'backup');
    const refused = await box.run(['vault', 'backup', backup, '--json'], how());
    expect([refused.status, faultOf(refused).code]).toEqual([2, 'E_USAGE']);
    const key = path.join(box.root, 'backup.key');
    await box.ok(['vault', 'backup', backup, '--new-key-file', key], how());
    const env = { HASP_HOME: path.join(box.root, 'copy') };
    await box.ok(['vault', 'restore', backup, '--key-file', key], how({ env }));
    await box.ok(['vault', 'rekey', '--key-file', key, '--new-keyring'], how({ env }));
    expect([(await keys()).length, await opens(), await opens(how({ env }))]).toEqual([2, true, true]);
    await box.ok(['vault', 'rekey', '--new-key-file'], how({ env }));
    expect([(await keys()).length, await opens(), await opens({ env })]).toEqual([1, true, true]);
  });
});
