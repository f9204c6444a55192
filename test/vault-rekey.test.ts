import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withPassphrases } from './support/passphrases.ts';
import { refusal } from './support/refusal.ts';
import { filesBelow, Sandbox } from './support/sandbox.ts';
import { withSmallDisk } from './support/small-disk.ts';
import { onTerminal } from './support/terminal.ts';

const VALUE = 'value-of-the-first';
const OLD = 'the old passphrase';
const NEW = 'the new passphrase é';

let model: Sandbox;
let withPassphrase: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: VALUE });
  withPassphrase = new Sandbox();
  await withPassphrases(withPassphrase, [OLD], (how) => withPassphrase.ok(['init', '--passphrase-fd', '3'], how));
  await withPassphrases(withPassphrase, [OLD], (how) =>
    withPassphrase.ok(['secret', 'set', 'a', '--passphrase-fd', '3'], { ...how, stdin: VALUE }),
  );
});
afterAll(() => {
  model.remove();
  withPassphrase.remove();
});
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const keyFile = () => path.join(box.home, 'vault.key');
const opens = async (...more: string[]) => (await box.run(['secret', 'list', ...more])).status;
const opensWith = (passphrase: string) =>
  withPassphrases(
    box,
    [passphrase],
    async (how) => (await box.run(['secret', 'list', '--passphrase-fd', '3'], how)).status,
  );
const rekey = (...more: string[]) => box.json<{ erasePending: boolean }>(['vault', 'rekey', ...more]);

/** How the root key is sealed: what the old key could open. */
function sealedRoot(): Buffer {
  const vault = new Sqlite(path.join(box.home, 'vault.db'), { readonly: true });
  try {
    const { root } = vault.prepare('SELECT root FROM header').get() as { root: Buffer };
    return root;
  } finally {
    vault.close();
  }
}

/** The files of the home in which one of the bytes stands, whole or its middle, as it is, in hex or in base64. */
function placesOf(...secrets: readonly Buffer[]): string[] {
  const spellings = secrets.flatMap((bytes) => {
    const middle = bytes.subarray(Math.floor(bytes.length / 4), Math.floor(bytes.length / 2));
    return [bytes, middle, bytes.toString('hex'), bytes.toString('base64')];
  });
  return filesBelow(box.home).filter((file) => {
    const content = readFileSync(file);
    return spellings.some((spelling) => content.includes(spelling));
  });
}

describe('a rekey', () => {
  it('of a key file of the home puts a new one in its place, and nothing holds the old one or what it opened', async () => {
    const old = readFileSync(keyFile());
    const sealed = sealedRoot();
    expect(placesOf(old, sealed)).toHaveLength(2);
    expect(await rekey()).toMatchObject({ keySource: 'key-file', keyFile: keyFile(), erasePending: false });
    expect(placesOf(old, sealed)).toEqual([]);
    expect(readFileSync(keyFile())).toHaveLength(32);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(readdirSync(box.home).filter((name) => name.startsWith('vault.key'))).toEqual(['vault.key']);
    expect(await opens()).toBe(0);
    const kept = box.write('old.key', old, 0o600);
    expect(await refusal(box.run(['secret', 'list', '--json', '--key-file', kept]))).toEqual([3, 'E_WRONG_KEY']);
    const run = await box.run(['run', '--redact', 'never', '-e', 'A=hasp://a', '--', 'sh', '-c', 'printf %s "$A"']);
    expect([run.status, run.stdout.toString()]).toEqual([0, VALUE]);
    expect(await box.log('--type', 'vault.rekeyed')).toMatchObject([{ keySource: 'key-file', from: 'key-file' }]);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('from a key file to a passphrase, and back, leaves no key file, and then a new one', async () => {
    const old = readFileSync(keyFile());
    const sealed = sealedRoot();
    await withPassphrases(box, [NEW], (how) => box.ok(['vault', 'rekey', '--new-passphrase-fd', '3'], how));
    expect(placesOf(old, sealed)).toEqual([]);
    expect(readdirSync(box.home).filter((name) => name.startsWith('vault.key'))).toEqual([]);
    expect([await opensWith(NEW), await opensWith(OLD), await opens()]).toEqual([0, 3, 3]);
    const between = sealedRoot();
    await withPassphrases(box, [NEW], (how) =>
      box.ok(['vault', 'rekey', '--passphrase-fd', '3', '--new-key-file'], how),
    );
    expect(placesOf(old, sealed, between)).toEqual([]);
    expect([await opens(), await opensWith(NEW)]).toEqual([0, 0]);
    expect(await refusal(box.run(['secret', 'list', '--json', '--key-file', box.write('k', old, 0o600)]))).toEqual([
      3,
      'E_WRONG_KEY',
    ]);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('from one passphrase to another takes both by descriptors, or asks on the terminal', async () => {
    box.remove();
    box = withPassphrase.clone();
    await withPassphrases(box, [OLD, NEW], (how) =>
      box.ok(['vault', 'rekey', '--passphrase-fd', '3', '--new-passphrase-fd', '4'], how),
    );
    expect([await opensWith(OLD), await opensWith(NEW)]).toEqual([3, 0]);
    const asked = await onTerminal(
      box,
      ['vault', 'rekey'],
      [
        { question: 'Passphrase: ', answer: NEW },
        { question: 'New passphrase: ', answer: OLD },
        { question: 'New passphrase, again: ', answer: OLD },
      ],
    );
    expect([asked.status, await opensWith(OLD), await opensWith(NEW)]).toEqual([0, 0, 3]);
  });

  it('to a key file elsewhere makes it, or takes the one that is there, and names the old one', async () => {
    const first = path.join(box.root, 'first.key');
    await rekey('--new-key-file', first);
    expect([existsSync(keyFile()), await opens(), await opens('--key-file', first)]).toEqual([false, 3, 0]);
    const second = path.join(box.root, 'second.key');
    writeFileSync(second, randomBytes(32), { mode: 0o600 });
    const unnamed = box.run(['vault', 'rekey', '--json', '--key-file', first]);
    expect(await refusal(unnamed)).toEqual([2, 'E_USAGE']);
    const { stderr } = await box.run(['vault', 'rekey', '--key-file', first, '--new-key-file', second]);
    expect(stderr.toString()).toContain(`${first} does not open it any more`);
    expect(existsSync(first)).toBe(true);
    expect([await opens('--key-file', first), await opens('--key-file', second)]).toEqual([3, 0]);
    const present = box.run(['vault', 'rekey', '--json', '--key-file', second, '--new-key-file', second]);
    expect(await refusal(present)).toEqual([2, 'E_USAGE']);
    expect(await opens('--key-file', second)).toBe(0);
  });

  it('leaves an earlier backup to the old key, and a new one to the new', async () => {
    const old = box.write('old.key', readFileSync(keyFile()), 0o600);
    const files = [path.join(box.root, 'one'), path.join(box.root, 'two')] as const;
    await box.ok(['vault', 'backup', files[0]]);
    await rekey();
    await box.ok(['vault', 'backup', files[1]]);
    const attempts = await Promise.all(
      files.map(async (file, at) => {
        const env = { HASP_HOME: path.join(box.root, `restored-${at}`) };
        return (await box.run(['vault', 'restore', file, '--key-file', old], { env })).status;
      }),
    );
    expect(attempts).toEqual([0, 3]);
  });

  it('does not disturb a broker that has the vault open, and leaves no byte of the old key there either', async () => {
    const old = readFileSync(keyFile());
    const sealed = sealedRoot();
    await box.ok(['broker', 'start', '--detach', '--no-http']);
    try {
      await box.ok(['unlock']);
      expect(await rekey()).toMatchObject({ erasePending: false });
      expect(placesOf(old, sealed)).toEqual([]);
      expect((await box.run(['run', '-e', 'A=hasp://a', '--', 'true'])).status).toBe(0);
      await box.ok(['lock']);
      await box.ok(['unlock']);
      expect((await box.run(['run', '-e', 'A=hasp://a', '--', 'true'])).status).toBe(0);
    } finally {
      await box.ok(['broker', 'stop']);
    }
    expect(placesOf(old, sealed)).toEqual([]);
  });

  it('says where another process reads for too long that the bytes go later, and then they go', async () => {
    const sealed = sealedRoot();
    const reader = new Sqlite(path.join(box.home, 'vault.db'), { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM header').get();
    const { status, stderr } = await box.run(['vault', 'rekey']);
    expect([status, stderr.toString()]).toEqual([0, expect.stringContaining('goes with its next change')]);
    reader.exec('COMMIT');
    reader.close();
    await box.ok(['secret', 'rm', 'a']);
    expect(placesOf(sealed)).toEqual([]);
  });

  it('at once by two is done by one, or by both in turn, and the vault opens', async () => {
    for (let turn = 0; turn < 4; turn++) {
      const codes = await Promise.all([1, 2, 3].map(() => refusal(box.run(['vault', 'rekey', '--json']))));
      expect(codes.some(([status]) => status === 0)).toBe(true);
      for (const [status, code] of codes) if (status !== 0) expect(code).toBe('E_WRONG_KEY');
      expect(await opens()).toBe(0);
      expect(readdirSync(box.home).filter((name) => name.startsWith('vault.key'))).toEqual(['vault.key']);
    }
  });

  it('and runs at once do not disturb each other', async () => {
    const failures: string[] = [];
    let isOver = false;
    const runs = [1, 2].map(async () => {
      while (!isOver) {
        const { status, stderr } = await box.run(['run', '-e', 'A=hasp://a', '--', 'true']);
        if (status !== 0) failures.push(stderr.toString());
      }
    });
    for (let turn = 0; turn < 6; turn++) await rekey();
    isOver = true;
    await Promise.all(runs);
    expect(failures).toEqual([]);
  }, 60_000);

  it('is refused for two new keys, a wrong key, nothing to ask on, a key file that is none; nothing changes', async () => {
    const before = filesBelow(box.home).map((file) => [file, file.endsWith('.key') ? readFileSync(file, 'hex') : '']);
    const bad = box.write('bad', 'not a key', 0o600);
    const refused = (...more: string[]) => refusal(box.run(['vault', 'rekey', '--json', ...more]));
    expect(await refused('--new-passphrase', '--new-key-file')).toEqual([2, 'E_USAGE']);
    expect(await refused('--new-passphrase-fd', '3', '--passphrase-fd', '3')).toEqual([2, 'E_USAGE']);
    expect(await refused('--new-passphrase')).toEqual([2, 'E_USAGE']);
    expect(await refused('--new-key-file', bad)).toEqual([3, 'E_WRONG_KEY']);
    expect(await refused('--new-key-file', '/nowhere/at/all')).toEqual([5, 'E_STORAGE']);
    expect(
      await withPassphrases(box, [''], (how) =>
        refusal(box.run(['vault', 'rekey', '--json', '--new-passphrase-fd', '3'], how)),
      ),
    ).toEqual([2, 'E_USAGE']);
    const wrong = box.write('wrong.key', randomBytes(32), 0o600);
    expect(await refused('--key-file', wrong, '--new-key-file', path.join(box.root, 'x.key'))).toEqual([
      3,
      'E_WRONG_KEY',
    ]);
    expect(existsSync(path.join(box.root, 'x.key'))).toBe(false);
    expect(filesBelow(box.home).map((file) => [file, file.endsWith('.key') ? readFileSync(file, 'hex') : ''])).toEqual(
      before,
    );
    expect(await opens()).toBe(0);
  });

  it('on a full disk changes nothing', async () => {
    await withSmallDisk(box.root, 1024 * 1024, async ({ folder, fill, free }) => {
      const env = { HASP_HOME: path.join(folder, 'home') };
      await box.ok(['init', '--key-file'], { env });
      const key = readFileSync(path.join(env.HASP_HOME, 'vault.key'));
      fill();
      expect((await refusal(box.run(['vault', 'rekey', '--json'], { env })))[0]).toBe(5);
      expect(readFileSync(path.join(env.HASP_HOME, 'vault.key')).equals(key)).toBe(true);
      expect(readdirSync(env.HASP_HOME).filter((name) => name.startsWith('vault.key'))).toEqual(['vault.key']);
      free();
      await box.ok(['secret', 'list'], { env });
      await box.ok(['vault', 'rekey'], { env });
      expect(await box.json(['audit', 'verify'], { env })).toMatchObject({ ok: true });
    });
  });
});

it('a removed value stands in no byte of the home, sealed or not, also while a broker has the vault open', async () => {
  const values = [randomBytes(40), randomBytes(40)] as const;
  for (const value of values) await box.set('gone', value);
  await box.ok(['broker', 'start', '--detach', '--no-http']);
  try {
    await box.ok(['unlock']);
    await box.ok(['run', '-e', 'A=hasp://a', '--', 'true']);
    const vault = new Sqlite(path.join(box.home, 'vault.db'), { readonly: true });
    const rows = vault.prepare('SELECT sealed FROM versions').all() as { sealed: Buffer }[];
    vault.close();
    const sealed = rows.map((row) => row.sealed);
    await box.ok(['secret', 'rm', 'gone']);
    const left = sealed.filter((bytes) => placesOf(bytes).length > 0);
    // That of the other secret.
    expect([sealed.length, left.length]).toEqual([3, 1]);
    expect(placesOf(...values)).toEqual([]);
  } finally {
    await box.ok(['broker', 'stop']);
  }
});
