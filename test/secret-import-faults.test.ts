import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LogRecord, Sandbox } from './support/sandbox.ts';

// All or nothing, whatever happens meanwhile.

const COUNT = 400;
/** IMPORT_KILLS=200 for a longer look. */
const KILLS = Number(process.env['IMPORT_KILLS'] ?? 10);

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets();
  await model.ok(['secret', 'import', '-'], { stdin: many('old', 50) });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const many = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${name}${at}=${randomBytes(200).toString('hex')}`).join('\n');

/** NAME@VERSION of each. */
async function stored(of: Sandbox = box): Promise<string[]> {
  const { secrets } = await of.json<{ secrets: { name: string; version: number }[] }>(['secret', 'list']);
  return secrets.map(({ name, version }) => `${name}@${version}`).sort();
}

const recorded = (records: readonly LogRecord[]) =>
  new Set(records.map(({ secret, version }) => `${String(secret)}@${String(version)}`));

describe('an import that is killed', () => {
  it(`leaves all of it or nothing, and no value without its record (${KILLS} moments)`, async () => {
    const stdin = `${many('old', 50)}\n${many('new', COUNT)}`;
    const argv = ['secret', 'import', '-', '--on-conflict', 'overwrite'];
    const before = await stored();
    const usual = (await box.run(argv, { stdin })).ms;
    const all = await stored();
    expect([before.length, all.length]).toEqual([50, 50 + COUNT]);
    const tally = { none: 0, all: 0, recordsWithoutValues: 0 };
    for (let round = 0; round < KILLS; round += 1) {
      box.remove();
      box = model.clone();
      await killed(argv, stdin, usual, round);
      const now = await stored();
      expect([before, all]).toContainEqual(now);
      const records = recorded(await box.log('--type', 'secret.imported'));
      expect(now.filter((one) => !records.has(one))).toEqual([]);
      expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
      const isAll = now.length === all.length;
      tally[isAll ? 'all' : 'none'] += 1;
      // The record comes first: it may stand alone.
      if (!isAll && records.size > before.length) tally.recordsWithoutValues += 1;
      if (round === KILLS - 1) {
        await box.ok(argv, { stdin });
        expect(await stored()).toHaveLength(all.length);
      }
    }
    if (process.env['IMPORT_KILLS'] !== undefined) process.stderr.write(`${JSON.stringify(tally)}\n`);
    expect(tally.none).toBeGreaterThan(0);
  }, 1_800_000);

  /** Every other time at any moment, else soon after the first write to the vault or the log. */
  async function killed(argv: readonly string[], stdin: string, usual: number, round: number): Promise<void> {
    const sizes = () => ['vault.db-wal', 'audit.jsonl'].map((name) => sizeOf(path.join(box.home, name))).join();
    const at = sizes();
    const running = box.start(argv, { stdin });
    let isOver = false;
    const ended = running.ended.then(() => {
      isOver = true;
    });
    if (round % 2 === 0) await pause(Math.random() * usual * 1.1);
    else {
      while (!isOver && (sizes() === at || sizes().startsWith('0,'))) await pause(0);
      await pause(Math.random() * 12);
    }
    running.child.kill('SIGKILL');
    await ended;
  }

  const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const pause = (ms: number) => new Promise((resolve) => (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)));
});

describe('two imports at once', () => {
  it('of the same names: one has them all, the other is told so', async () => {
    const argv = ['secret', 'import', '-'];
    const outcomes = await Promise.all([1, 2].map(() => box.run(argv, { stdin: many('new', COUNT) })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 2]);
    expect(outcomes.map(({ stderr }) => stderr.toString()).join()).toContain('new9 and 390 more exist already');
    expect(await stored()).toHaveLength(50 + COUNT);
    const ids = new Set((await box.log('--type', 'secret.imported')).map((record) => record['import']));
    expect(ids.size).toBe(2);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 1 + 50 + COUNT });
  });

  it('of different names: both have theirs', async () => {
    const sources = ['a', 'b', 'c'].map((name) => many(name, COUNT));
    await Promise.all(sources.map((stdin) => box.ok(['secret', 'import', '-'], { stdin })));
    expect(await stored()).toHaveLength(50 + 3 * COUNT);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 1 + 50 + 3 * COUNT });
  });
});

it('an import during a run changes nothing for the run', async () => {
  const script = 'echo ready; read line; printf %s "$A" | wc -c';
  const running = box.start(['run', '--redact', 'always', '-e', 'A=hasp://old0', '--', 'sh', '-c', script], {
    openStdin: true,
  });
  await running.printed('ready');
  await box.ok(['secret', 'import', '-', '--on-conflict', 'overwrite'], {
    stdin: `old0=shorter\n${many('new', COUNT)}`,
  });
  running.child.stdin?.end('go\n');
  const { status, stdout } = await running.ended;
  expect([status, stdout.toString().trim().split(/\s+/)]).toEqual([0, ['ready', '400']]);
  expect(await box.log('--type', 'grant.ended')).toMatchObject([{ endReason: 'exited', clean: true }]);
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
});

describe.runIf(process.getuid?.() === 0)('a full disk', () => {
  it('stores nothing of it, and once there is room, all', async () => {
    const small = path.join(box.root, 'small');
    mkdirSync(small);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=700', 'tmpfs', small]).status !== 0) return;
    const home = path.join(small, 'home');
    const onSmall = Object.assign(Object.create(Sandbox.prototype), box, {
      home,
      environment: { ...box.environment, HASP_HOME: home },
    }) as Sandbox;
    try {
      await onSmall.ok(['init', '--key-file']);
      await onSmall.set('KEPT', 'value-of-kept');
      const filler = path.join(small, 'filler');
      const codes = new Set<string>();
      // From no room at all to enough for the log alone.
      for (const room of [0, 4_096, 65_536, 262_144, 700_000]) {
        expect(() => {
          for (;;) appendFileSync(filler, Buffer.alloc(512));
        }).toThrow(/ENOSPC/);
        truncateSync(filler, Math.max(0, statSync(filler).size - room));
        const { status, stderr } = await onSmall.run(['secret', 'import', '-', '--json'], {
          stdin: many('new', 1_500),
        });
        expect([room, status]).toEqual([room, 5]);
        codes.add((JSON.parse(stderr.toString()) as { error: { code: string } }).error.code);
        rmSync(filler);
        expect(await stored(onSmall)).toEqual(['KEPT@1']);
        // What stands torn at the end of the log is fenced by the next record.
        await onSmall.ok(['secret', 'placeholder', 'KEPT', '--off']);
        expect(await onSmall.json(['audit', 'verify'])).toMatchObject({ ok: true });
      }
      expect([...codes].sort()).toEqual(['E_AUDIT_WRITE', 'E_STORAGE']);
      await onSmall.ok(['secret', 'import', '-'], { stdin: many('new', COUNT) });
      expect(await stored(onSmall)).toHaveLength(1 + COUNT);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });
});
