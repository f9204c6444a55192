import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withPassphrases } from './support/passphrases.ts';
import { refusal } from './support/refusal.ts';
import { HASP, Sandbox } from './support/sandbox.ts';
import { withSmallDisk } from './support/small-disk.ts';

const HEADER_BYTES = 208;
const CHUNK_BYTES = 65_536 + 16;

let model: Sandbox;
let file: string;
let key: string;
let backup: Buffer;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-a', big: randomBytes(300_000) });
  file = path.join(model.root, 'backup');
  key = path.join(model.home, 'vault.key');
  await model.ok(['vault', 'backup', file]);
  backup = readFileSync(file);
});
afterAll(() => model.remove());
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box.remove());

const restore = (from = file, ...more: string[]) =>
  box.run(['vault', 'restore', from, '--json', '--key-file', key, ...more]);
const restoreBytes = (bytes: Uint8Array) => restore(box.write('changed', bytes));

describe('a restore', () => {
  it('of a backup with the key file of the home puts that there, so that a run asks for nothing', async () => {
    await restore();
    expect(readFileSync(path.join(box.home, 'vault.key')).equals(readFileSync(key))).toBe(true);
    expect(readdirSync(box.home).sort()).toEqual(['audit.jsonl', 'audit.seal', 'vault.db', 'vault.key']);
    const seen = await box.run(['run', '-e', 'A=hasp://a', '--', 'sh', '-c', '[ "$A" = value-of-a ]']);
    expect(seen.status).toBe(0);
  });

  it('takes the key file that is in the home already, or that the environment names', async () => {
    mkdirSync(box.home, { mode: 0o700 });
    writeFileSync(path.join(box.home, 'vault.key'), readFileSync(key), { mode: 0o600 });
    await box.ok(['vault', 'restore', file]);
    const other = new Sandbox();
    await other.ok(['vault', 'restore', file], { env: { HASP_KEY_FILE: key } });
    other.remove();
  });

  it('leaves a home as it is that has a vault, or the log of one', async () => {
    await box.ok(['init', '--key-file']);
    await box.set('mine', 'value-of-mine');
    const before = readdirSync(box.home).map((name) => [name, readFileSync(path.join(box.home, name), 'hex')]);
    expect(await refusal(restore())).toEqual([2, 'E_EXISTS']);
    expect(readdirSync(box.home).map((name) => [name, readFileSync(path.join(box.home, name), 'hex')])).toEqual(before);
    rmSync(path.join(box.home, 'vault.db'));
    rmSync(path.join(box.home, 'vault.key'));
    const log = readFileSync(path.join(box.home, 'audit.jsonl'));
    expect(await refusal(restore())).toEqual([2, 'E_EXISTS']);
    expect(await refusal(box.run(['init', '--key-file', '--json']))).toEqual([2, 'E_EXISTS']);
    rmSync(path.join(box.home, 'audit.jsonl'));
    expect(await refusal(restore())).toEqual([2, 'E_EXISTS']);
    writeFileSync(path.join(box.home, 'audit.jsonl'), log, { mode: 0o600 });
    expect(existsSync(path.join(box.home, 'vault.db'))).toBe(false);
  });

  it('refuses a home with another key file: nobody else has that', async () => {
    mkdirSync(box.home, { mode: 0o700 });
    const other = randomBytes(32);
    writeFileSync(path.join(box.home, 'vault.key'), other, { mode: 0o600 });
    expect(await refusal(restore())).toEqual([2, 'E_EXISTS']);
    expect(readFileSync(path.join(box.home, 'vault.key')).equals(other)).toBe(true);
  });

  it('eight at once make one vault, with one log', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => refusal(restore())));
    expect(outcomes.filter(([status]) => status === 0)).toHaveLength(1);
    expect(outcomes.filter(([, code]) => code === 'E_EXISTS')).toHaveLength(7);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 1 });
  });

  it('and an init at once make one vault', async () => {
    for (let turn = 0; turn < 3; turn++) {
      const env = { HASP_HOME: path.join(box.root, `turn-${turn}`) };
      const [restored, made] = await Promise.all([
        box.run(['vault', 'restore', file, '--key-file', key], { env }),
        box.run(['init', '--key-file'], { env }),
      ]);
      expect([restored.status, made.status].sort()).toEqual([0, 2]);
      expect(await box.json(['audit', 'verify'], { env })).toMatchObject({ ok: true, records: 1 });
    }
  });
});

describe('refused, and nothing is left', () => {
  afterEach(() => expect(existsSync(box.home)).toBe(false));

  it('is a wrong key, a passphrase for a key file, and no key at all', async () => {
    const wrong = box.write('wrong.key', randomBytes(32), 0o600);
    const attempts: [string[], number, string][] = [
      [['--key-file', wrong], 3, 'E_WRONG_KEY'],
      [['--key-file', box.write('short.key', randomBytes(31), 0o600)], 3, 'E_WRONG_KEY'],
      [['--key-file', '/nowhere/at/all'], 3, 'E_VAULT_LOCKED'],
      [[], 3, 'E_VAULT_LOCKED'],
    ];
    for (const [more, ...expected] of attempts) {
      expect([more, await refusal(box.run(['vault', 'restore', file, '--json', ...more]))]).toEqual([more, expected]);
    }
    const own = path.join(model.root, 'with-passphrase');
    await withPassphrases(model, ['right'], (how) =>
      model.ok(['vault', 'backup', own, '--new-passphrase-fd', '3'], how),
    );
    const wrongly = withPassphrases(box, ['wrong'], (how) =>
      refusal(box.run(['vault', 'restore', own, '--json', '--passphrase-fd', '3'], how)),
    );
    expect(await wrongly).toEqual([3, 'E_WRONG_KEY']);
    expect(await refusal(restore(own))).toEqual([3, 'E_WRONG_KEY']);
    expect(await refusal(box.run(['vault', 'restore', own, '--json']))).toEqual([3, 'E_VAULT_LOCKED']);
  });

  it('is what is no backup: nothing, a folder, a pipe, a device, an empty or a foreign file', async () => {
    execFileSync('mkfifo', [path.join(box.cwd, 'pipe')]);
    const places = ['/nowhere/at/all', box.cwd, path.join(box.cwd, 'pipe'), '/dev/zero', box.write('empty', '')];
    for (const place of [...places, box.write('foreign', 'not a backup at all'), path.join(model.home, 'vault.db')]) {
      expect([place, await refusal(restore(place))]).toEqual([place, [2, 'E_USAGE']]);
    }
  });

  it.runIf(process.getuid?.() !== 0)('is a file that may not be read', async () => {
    const closed = box.write('closed', backup);
    chmodSync(closed, 0);
    expect(await refusal(restore(closed))).toEqual([5, 'E_STORAGE']);
  });

  it('is a backup of a format to come', async () => {
    const future = Buffer.from(backup);
    future.writeUInt32BE(2, 12);
    const { status, stderr } = await restoreBytes(future);
    expect([status, stderr.toString()]).toEqual([6, expect.stringContaining('format')]);
  });

  it('is one that is cut off anywhere: at the borders of its parts, and beside them', async () => {
    const chunks = Math.ceil((backup.length - HEADER_BYTES) / CHUNK_BYTES);
    expect(chunks).toBeGreaterThan(4);
    const borders = Array.from({ length: chunks }, (_, index) => HEADER_BYTES + index * CHUNK_BYTES);
    const places = [12, 100, ...borders.flatMap((at) => [at - 1, at, at + 1, at + 17]), backup.length - 1];
    const wrong: unknown[] = [];
    for (const at of places) {
      const found = await refusal(restoreBytes(backup.subarray(0, at)));
      if (found[0] !== 6 || found[1] !== 'E_VAULT_CORRUPT') wrong.push([at, found]);
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('is one with bytes behind it, parts moved, repeated or left out, or of another backup', async () => {
    const part = (index: number) =>
      backup.subarray(HEADER_BYTES + index * CHUNK_BYTES, HEADER_BYTES + (index + 1) * CHUNK_BYTES);
    const head = backup.subarray(0, HEADER_BYTES);
    const last = backup.subarray(HEADER_BYTES + Math.floor((backup.length - HEADER_BYTES) / CHUNK_BYTES) * CHUNK_BYTES);
    const again = path.join(model.root, 'again');
    await model.ok(['vault', 'backup', again]);
    const other = readFileSync(again);
    const changed = [
      Buffer.concat([backup, Buffer.alloc(1)]),
      Buffer.concat([backup, last]),
      Buffer.concat([head, part(1), part(0), backup.subarray(HEADER_BYTES + 2 * CHUNK_BYTES)]),
      Buffer.concat([head, part(0), backup.subarray(HEADER_BYTES)]),
      Buffer.concat([head, backup.subarray(HEADER_BYTES + CHUNK_BYTES)]),
      Buffer.concat([head, other.subarray(HEADER_BYTES)]),
      Buffer.concat([head, part(0), other.subarray(HEADER_BYTES + CHUNK_BYTES)]),
    ];
    const found: unknown[] = [];
    for (const bytes of changed) found.push(await refusal(restoreBytes(bytes)));
    expect(found).toEqual(changed.map(() => [6, 'E_VAULT_CORRUPT']));
  });

  it('is one with a changed byte, in its header or anywhere', async () => {
    const header = [0, 12, 16, 32, 33, 34, 36, 48, 64, 143, 144, 175, 176, 207];
    const body = Array.from(
      { length: 12 },
      () => HEADER_BYTES + (randomBytes(4).readUInt32BE() % (backup.length - HEADER_BYTES)),
    );
    for (const at of [...header, ...body]) {
      const changed = Buffer.from(backup);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const expected = at === 0 ? [2, 'E_USAGE'] : [6, 'E_VAULT_CORRUPT'];
      expect([at, await refusal(restoreBytes(changed))]).toEqual([at, expected]);
    }
  }, 60_000);

  it('is every restore inside of an agent session', async () => {
    const inside = await model.run([
      'session',
      'start',
      '--',
      'sh',
      '-c',
      `HASP_HOME=${box.home} ${HASP} vault restore ${file} --key-file ${key}`,
    ]);
    expect(inside.status).not.toBe(0);
  });
});

it('on a full disk leaves a home without a vault, in which the next one works', async () => {
  await withSmallDisk(box.root, 1024 * 1024, async ({ folder, fill, free }) => {
    const env = { HASP_HOME: path.join(folder, 'home') };
    const argv = ['vault', 'restore', file, '--json', '--key-file', key];
    for (const used of [folder, env.HASP_HOME]) {
      // At first there is room for a part of it, then for nothing.
      fill();
      if (used === folder) writeFileSync(path.join(folder, 'filler'), Buffer.alloc(850 * 1024));
      const [status, code] = await refusal(box.run(argv, { env }));
      expect([status, code]).toEqual([5, expect.stringMatching(/^E_(STORAGE|AUDIT_WRITE)$/)]);
      expect(existsSync(env.HASP_HOME)).toBe(false);
    }
    free();
    await box.ok(argv, { env });
    expect(await box.json(['audit', 'verify'], { env })).toMatchObject({ ok: true });
  });
});

it('killed at any moment leaves no vault or a whole one, and the next restore or init works', async () => {
  const usual = (await restore()).ms;
  const seen = { none: 0, whole: 0 };
  const started = performance.now();
  for (let turn = 0; performance.now() - started < 15_000; turn++) {
    const env = { HASP_HOME: path.join(box.root, `turn-${turn}`) };
    const running = box.start(['vault', 'restore', file, '--key-file', key], { env });
    // From where Node has started on, every moment is as likely.
    await new Promise((resolve) => setTimeout(resolve, usual * (0.35 + 0.75 * Math.random())));
    running.child.kill('SIGKILL');
    await running.ended;
    await expectNoneOrWhole(env, seen);
  }
  expect(seen.none).toBeGreaterThan(0);
}, 60_000);

async function expectNoneOrWhole(env: { HASP_HOME: string }, seen: { none: number; whole: number }): Promise<void> {
  if (existsSync(path.join(env.HASP_HOME, 'vault.db'))) seen.whole++;
  else {
    seen.none++;
    expect((await box.run(['secret', 'list'], { env })).status).toBe(4);
    if (seen.none % 3 === 0) {
      await box.ok(['init', '--key-file'], { env });
      expect(filesOf(env.HASP_HOME)).toEqual(['audit.jsonl', 'audit.seal', 'vault.db', 'vault.key']);
      return;
    }
    await box.ok(['vault', 'restore', file, '--key-file', key], { env });
  }
  const listed = await box.json<{ secrets: { name: string }[] }>(['secret', 'list'], { env });
  expect(listed.secrets.map(({ name }) => name)).toEqual(['a', 'big']);
  expect(await box.json(['audit', 'verify'], { env })).toMatchObject({ ok: true, records: 1 });
  expect(filesOf(env.HASP_HOME)).toEqual(['audit.jsonl', 'audit.seal', 'vault.db', 'vault.key']);
}

/** Without the empty file that making a vault is locked by: a kill after the vault is there leaves it. */
function filesOf(home: string): string[] {
  return readdirSync(home)
    .filter((name) => name !== 'vault.db.making')
    .sort();
}
