import { createHash, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withPassphrases } from './support/passphrases.ts';
import { codeOf, refusal } from './support/refusal.ts';
import { HASP, type Outcome, Sandbox, until } from './support/sandbox.ts';
import { withSmallDisk } from './support/small-disk.ts';
import { onTerminal } from './support/terminal.ts';

const VALUES = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')] as const;
const BINARY = randomBytes(70_000);
const PASSPHRASE = 'correct horse battery staple';
const OTHER = 'another passphrase é';
const MOST = 1024 * 1024;

let model: Sandbox;
let box: Sandbox;
let elsewhere: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ 'db/url': VALUES[0], 'big/binary': BINARY, pin: 'changeme' });
  await model.set('db/url', VALUES[1]);
  await model.ok(['secret', 'placeholder', 'pin']);
  await model.ok(['secret', 'set', 'gh/token', '--scopes', 'repo:read'], { stdin: 'ghp_not_a_real_one' });
  await model.ok(['agent', 'add', 'claude']);
  model.write('hasp.json', JSON.stringify({ version: 1, project: 'web', env: { URL: 'hasp://db/url' } }));
  await model.ok(['project', 'trust']);
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
  elsewhere = new Sandbox();
});
afterEach(() => {
  box.remove();
  elsewhere.remove();
});

const fileOf = (sandbox: Sandbox) => path.join(sandbox.root, 'my.backup');
const keyOf = (sandbox: Sandbox) => path.join(sandbox.home, 'vault.key');

async function backUp(...more: string[]): Promise<string> {
  const file = fileOf(box);
  await box.ok(['vault', 'backup', file, ...more]);
  return file;
}

/** The key file is what somebody has kept elsewhere. */
function restoreElsewhere(file: string, ...more: string[]): Promise<Outcome> {
  return elsewhere.run(['vault', 'restore', file, '--key-file', keyOf(box), ...more]);
}

describe('a backup', () => {
  it('restored on another machine has every value, version and name, and what is known of them', async () => {
    const file = await backUp();
    expect((await restoreElsewhere(file)).status).toBe(0);
    for (const argv of [
      ['secret', 'list'],
      ['secret', 'history', 'db/url'],
      ['secret', 'show', 'gh/token'],
      ['agent', 'list'],
    ]) {
      expect(await elsewhere.json(argv)).toEqual(await box.json(argv));
    }
    const values = '[ "$A" = "$1" ] && [ "$B" = "$2" ] && [ "$C" = changeme ] && cat "$D"';
    const { status, stdout } = await elsewhere.run([
      ...['run', '--redact', 'never', '-e', 'A=hasp://db/url@1', '-e', 'B=hasp://db/url', '-e', 'C=hasp://pin'],
      ...['--file', 'D=hasp://big/binary', '--', 'sh', '-c', values, 'sh', ...VALUES],
    ]);
    expect([status, stdout.equals(BINARY)]).toEqual([0, true]);
  });

  it('gives the vault a new log, which verifies and names the old one, and the old one names the backup', async () => {
    const { vault } = (await box.log('--type', 'vault.created'))[0] ?? {};
    const before = await box.json<{ head: { seq: number; mac: string } }>(['audit', 'verify']);
    const file = await backUp();
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    await restoreElsewhere(file);
    const [made] = await box.log('--type', 'vault.backed-up');
    expect(made).toMatchObject({ file: 'my.backup', sha256, bytes: statSync(file).size, keySource: 'key-file' });
    const [first, ...more] = await elsewhere.log();
    const old = (await box.log())[0]?.['chain'];
    const { seq, mac } = before.head;
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      type: 'vault.restored',
      seq: 1,
      vault,
      backup: sha256,
      previous: { chain: old, seq, mac },
    });
    expect(first?.['chain']).not.toBe(old);
    expect(await elsewhere.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 1, fenced: 0 });
    expect(await elsewhere.ok(['audit', 'log'])).toContain(`after record ${seq} of ${old}`);
    await elsewhere.set('more', 'value-of-more');
    expect(await elsewhere.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 2 });
  });

  it('carries no consent to a project: that is of one machine', async () => {
    const { stderr } = await restoreElsewhere(await backUp());
    expect(stderr.toString()).toContain('hasp project trust');
    copyFileSync(path.join(model.cwd, 'hasp.json'), path.join(box.cwd, 'hasp.json'));
    expect(await model.json(['project', 'show'])).toMatchObject({ trust: 'trusted' });
    const shown = await model.json(['project', 'show'], { env: { HASP_HOME: elsewhere.home } });
    expect(shown).toMatchObject({ trust: 'untrusted' });
  });

  it('is one sealed file of mode 0600 under any umask, in which no value and no name stands', async () => {
    const file = fileOf(box);
    const made = await box.other(['sh', '-c', 'umask 000; exec "$0" "$@"', HASP, 'vault', 'backup', file, '--json']);
    expect(JSON.parse(made.stdout.toString())).toMatchObject({ file, secrets: 4, versions: 5, keySource: 'key-file' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(file);
    for (const text of [...VALUES, 'db/url', 'claude', BINARY.subarray(100, 132), readFileSync(keyOf(box))]) {
      expect(bytes.includes(text)).toBe(false);
    }
  });

  it('replaces an earlier backup and nothing else, and the earlier one stays where it fails', async () => {
    const file = await backUp();
    const earlier = readFileSync(file);
    await box.set('db/url', 'a third value');
    await backUp();
    expect(readFileSync(file).equals(earlier)).toBe(false);
    const link = path.join(box.root, 'latest');
    symlinkSync(file, link);
    await box.ok(['vault', 'backup', link]);
    expect(readdirSync(box.root)).toContain('latest');
    const foreign = box.write('notes.txt', 'mine');
    const keys = [box.cwd, foreign, '/dev/null'];
    for (const place of keys) {
      const refused = await box.run(['vault', 'backup', place, '--json']);
      expect([place, refused.status, codeOf(refused)]).toEqual([place, 2, 'E_EXISTS']);
    }
    expect(readFileSync(foreign, 'utf8')).toBe('mine');
  });

  it('has a key of its own where one is asked for, and then opens with that alone', async () => {
    const own = path.join(box.root, 'own.key');
    const file = await backUp('--new-key-file', own);
    expect(statSync(own).mode & 0o777).toBe(0o600);
    expect(await refusal(restoreElsewhere(file, '--json'))).toEqual([3, 'E_WRONG_KEY']);
    await elsewhere.ok(['vault', 'restore', file, '--key-file', own]);
    expect(existsSync(keyOf(elsewhere))).toBe(false);
    await elsewhere.ok(['secret', 'list', '--key-file', own]);
    expect(await refusal(elsewhere.run(['secret', 'list', '--json', '--key-file', keyOf(box)]))).toEqual([
      3,
      'E_WRONG_KEY',
    ]);
  });

  it('of a vault with a key file can have a passphrase, and one with a passphrase a key file', async () => {
    const file = fileOf(box);
    await withPassphrases(box, [PASSPHRASE], (how) =>
      box.ok(['vault', 'backup', file, '--new-passphrase-fd', '3'], how),
    );
    expect(await refusal(restoreElsewhere(file, '--json'))).toEqual([3, 'E_WRONG_KEY']);
    await withPassphrases(elsewhere, [PASSPHRASE], (how) =>
      elsewhere.ok(['vault', 'restore', file, '--passphrase-fd', '3'], how),
    );
    const again = path.join(elsewhere.root, 'again.backup');
    await withPassphrases(elsewhere, [PASSPHRASE, OTHER], (how) =>
      elsewhere.ok(['vault', 'backup', again, '--passphrase-fd', '3', '--new-passphrase-fd', '4'], how),
    );
    const third = new Sandbox();
    const restored = await onTerminal(
      third,
      ['vault', 'restore', again],
      [{ question: 'Passphrase: ', answer: OTHER }],
    );
    expect(restored.status).toBe(0);
    third.remove();
  });

  it('asks twice for its passphrase on the terminal', async () => {
    const file = fileOf(box);
    const questions = ['New passphrase: ', 'New passphrase, again: '];
    const exchanges = questions.map((question) => ({ question, answer: PASSPHRASE }));
    expect((await onTerminal(box, ['vault', 'backup', file, '--new-passphrase'], exchanges)).status).toBe(0);
    expect(
      (
        await withPassphrases(elsewhere, [PASSPHRASE], (how) =>
          elsewhere.run(['vault', 'restore', file, '--passphrase-fd', '3'], how),
        )
      ).status,
    ).toBe(0);
    expect(await refusal(box.run(['vault', 'backup', file, '--new-passphrase', '--json']))).toEqual([2, 'E_USAGE']);
  });

  it('is refused for two new keys, one descriptor for two, a folder that is not there, a locked vault', async () => {
    const file = fileOf(box);
    const refused = (...more: string[]) => refusal(box.run(['vault', 'backup', file, '--json', ...more]));
    expect(await refused('--new-passphrase', '--new-key-file', '/x')).toEqual([2, 'E_USAGE']);
    expect(await refused('--passphrase-fd', '3', '--new-passphrase-fd', '3')).toEqual([2, 'E_USAGE']);
    expect(await refused('--new-key-file', '/nowhere/at/all')).toEqual([5, 'E_STORAGE']);
    rmSync(keyOf(box));
    expect(await refused()).toEqual([3, 'E_VAULT_LOCKED']);
    expect(existsSync(file)).toBe(false);
    const nowhere = await model.run(['vault', 'backup', '/nowhere/at/all/b', '--json']);
    expect([nowhere.status, codeOf(nowhere)]).toEqual([5, 'E_STORAGE']);
  });

  it('is not made of a vault that is damaged, nor on a full disk, and leaves nothing there', async () => {
    await withSmallDisk(box.root, 512 * 1024, async ({ folder, fill, free }) => {
      const file = path.join(folder, 'b');
      await box.ok(['vault', 'backup', file]);
      const earlier = readFileSync(file);
      fill();
      expect(await refusal(box.run(['vault', 'backup', file, '--json']))).toEqual([5, 'E_STORAGE']);
      expect(readFileSync(file).equals(earlier)).toBe(true);
      expect(readdirSync(folder).sort()).toEqual(['b', 'filler']);
      free();
    });
    const { default: Sqlite } = await import('better-sqlite3');
    const vault = new Sqlite(path.join(box.home, 'vault.db'));
    vault.exec('DELETE FROM versions WHERE length(sealed) > 60000');
    vault.close();
    expect(await refusal(box.run(['vault', 'backup', fileOf(box), '--json']))).toEqual([6, 'E_VAULT_CORRUPT']);
    expect(existsSync(fileOf(box))).toBe(false);
  });

  it('killed half way leaves what was there, and the next one removes its rest', async () => {
    const file = fileOf(box);
    for (let at = 0; at < 4; at++) await box.set(`big/n${at}`, randomBytes(MOST));
    await box.ok(['vault', 'backup', file]);
    const earlier = readFileSync(file);
    const rests = () => readdirSync(box.root).filter((name) => name.startsWith('my.backup.new-'));
    let killed = 0;
    for (let turn = 0; turn < 4; turn++) {
      const running = box.start(['vault', 'backup', file]);
      await until('it writes, or is done', () => rests().length > 0 || running.child.exitCode !== null);
      running.child.kill('SIGKILL');
      await running.ended;
      if (rests().length > 0) killed++;
      expect(readFileSync(file).equals(earlier) || rests().length === 0).toBe(true);
      await box.ok(['vault', 'backup', file]);
      expect(rests()).toEqual([]);
      copyFileSync(file, `${file}.copy`);
      writeFileSync(file, earlier);
    }
    expect(killed).toBeGreaterThan(0);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
    elsewhere.write('x', '');
    mkdirSync(elsewhere.home, { mode: 0o700 });
    expect((await restoreElsewhere(`${file}.copy`)).status).toBe(0);
  }, 60_000);

  it('does not record its name where a value is in it', async () => {
    await box.ok(['vault', 'backup', path.join(box.root, `x-${VALUES[1]}`)]);
    const [record] = await box.log('--type', 'vault.backed-up');
    expect(JSON.stringify(record)).not.toContain(VALUES[1]);
    expect(record).toMatchObject({ sha256: expect.any(String) });
  });
});
