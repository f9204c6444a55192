import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { logFile, logLines, rewriteLog } from './support/log-lines.ts';
import { filesBelow, Sandbox } from './support/sandbox.ts';

interface Report {
  readonly ok: boolean;
  readonly records: number;
  readonly head: { readonly seq: number; readonly mac: string; readonly time: string } | null;
  readonly fenced: number;
  readonly problem?: {
    readonly code: string;
    readonly seq: number;
    readonly line: number;
    readonly offset: number;
    readonly message: string;
    readonly verifiedAfter: number;
  };
}

let model: Sandbox;
let box: Sandbox;
/** Eleven records: the vault, four secrets, three runs. */
const RECORDS = 11;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-a', b: 'value-of-b', c: 'value-of-c', d: 'value-of-d' });
  for (const name of ['a', 'b', 'c']) await model.ok(['run', '-e', `X=hasp://${name}`, '--', 'true']);
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const log = () => logFile(box);
const seal = () => path.join(box.home, 'audit.seal');
const lines = () => logLines(box);
const rewrite = (changed: readonly string[]) => rewriteLog(box, changed);

async function verify(): Promise<{ status: number | null; report: Report; stderr: string }> {
  const { status, stdout, stderr } = await box.run(['audit', 'verify', '--json']);
  return { status, report: JSON.parse(stdout.toString()) as Report, stderr: stderr.toString() };
}

describe('a log that nobody touched', () => {
  it('verifies, and says how far', async () => {
    const { status, report, stderr } = await verify();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const last = JSON.parse(lines().at(-1) ?? '') as { mac: string; time: string };
    expect(report).toEqual({
      ok: true,
      records: RECORDS,
      head: { seq: RECORDS, mac: last.mac, time: last.time },
      fenced: 0,
    });
    expect(await box.ok(['audit', 'verify'])).toMatch(/^ok: 11 records/);
  });

  it('is only read, and so is all but the vault, in which SQLite folds in its own log', async () => {
    const files = () => filesBelow(box.home).filter((file) => !path.basename(file).startsWith('vault.db'));
    const state = () => files().map((file) => [file, readFileSync(file, 'hex'), statSync(file).mtimeMs]);
    const before = state();
    await verify();
    await box.run(['audit', 'log']);
    expect(state()).toEqual(before);
  });

  it('does not verify with another vault', async () => {
    const other = await Sandbox.withSecrets();
    for (const name of ['vault.db', 'vault.key']) copyFileSync(path.join(other.home, name), path.join(box.home, name));
    for (const name of ['vault.db-wal', 'vault.db-shm']) {
      const from = path.join(other.home, name);
      if (existsSync(from)) copyFileSync(from, path.join(box.home, name));
      else rmSync(path.join(box.home, name), { force: true });
    }
    const { status, report } = await verify();
    expect([status, report.ok, report.records]).toEqual([6, false, 0]);
    other.remove();
  });
});

describe('an attack on the log', () => {
  const MIDDLE = 5;
  // A record behind a gap needs its forerunner's MAC, so the count begins with the next.
  const attacks: [what: string, attack: () => void, seq: number, after: number][] = [
    [
      'an edited record',
      () => rewrite(lines().map((line, at) => (at === MIDDLE ? line.replace('"uid":', '"uid":1') : line))),
      MIDDLE + 1,
      RECORDS - MIDDLE - 1,
    ],
    ['a removed record', () => rewrite(lines().filter((_, at) => at !== MIDDLE)), MIDDLE + 1, RECORDS - MIDDLE - 2],
    [
      'a doubled record',
      () => rewrite(lines().flatMap((line, at) => (at === MIDDLE ? [line, line] : [line]))),
      MIDDLE + 2,
      RECORDS - MIDDLE - 1,
    ],
    ['two that changed places', () => rewrite(swap(lines(), MIDDLE)), MIDDLE + 1, RECORDS - MIDDLE - 2],
    [
      'a forged record put in',
      () => rewrite(lines().toSpliced(MIDDLE, 0, forged(lines()[MIDDLE] ?? ''))),
      MIDDLE + 1,
      RECORDS - MIDDLE,
    ],
    ['a cut head', () => rewrite(lines().slice(2)), 1, RECORDS - 3],
    ['an emptied log', () => truncateSync(log()), 1, 0],
    ['a deleted log', () => rmSync(log()), 1, 0],
    ['a cut tail', () => rewrite(lines().slice(0, -2)), RECORDS - 1, 0],
    ['half a last record', () => truncateSync(log(), statSync(log()).size - 20), RECORDS, 0],
    ['a deleted seal', () => rmSync(seal()), RECORDS + 1, 0],
    [
      'a record of a later format',
      () => rewrite(lines().map((line, at) => (at === MIDDLE ? line.replace('{"v":1', '{"v":2') : line))),
      MIDDLE + 1,
      RECORDS - MIDDLE - 1,
    ],
  ];

  it.each(attacks)('%s is found, exit 6, and the record named', async (_what, attack, seq, after) => {
    attack();
    const { status, report, stderr } = await verify();
    expect({ status, ok: report.ok, stderr }).toEqual({ status: 6, ok: false, stderr: '' });
    expect(report.problem).toMatchObject({ seq, verifiedAfter: after });
    const text = await box.run(['audit', 'verify']);
    expect([text.status, text.stdout.toString()]).toEqual([6, '']);
    expect(text.stderr.toString()).toMatch(
      new RegExp(`^hasp: the log is broken at record ${seq}, line \\d+, byte \\d+: `),
    );
  });

  it('of another vault is found', async () => {
    const other = await Sandbox.withSecrets({ a: 'value-of-a' });
    for (const name of ['audit.jsonl', 'audit.seal'])
      copyFileSync(path.join(other.home, name), path.join(box.home, name));
    other.remove();
    expect((await verify()).status).toBe(6);
  });

  it('by rolling log and seal back is found, by the vault’s mark', async () => {
    const kept = path.join(box.root, 'kept');
    mkdirSync(kept);
    for (const name of ['audit.jsonl', 'audit.seal']) copyFileSync(path.join(box.home, name), path.join(kept, name));
    await box.ok(['run', '-e', 'X=hasp://a', '--', 'true']);
    for (const name of ['audit.jsonl', 'audit.seal']) copyFileSync(path.join(kept, name), path.join(box.home, name));
    const { status, report } = await verify();
    expect(status).toBe(6);
    expect(report.problem?.code).toBe('rolled-back');
    expect(await box.run(['run', '-e', 'X=hasp://a', '--', 'touch', 'started']).then((outcome) => outcome.status)).toBe(
      125,
    );
  });

  it('leaves a torn tail for the next writer, who fences and records it', async () => {
    appendFileSync(log(), '{"v":1,"seq":12,"time":"2026');
    await box.ok(['run', '-e', 'X=hasp://a', '--', 'true']);
    expect((await verify()).report).toMatchObject({ ok: true, fenced: 1, records: RECORDS + 3 });
  });

  it('is not seen by one who has no key: that is E_VAULT_LOCKED', async () => {
    rmSync(path.join(box.home, 'vault.key'));
    const { status, stderr } = await box.run(['audit', 'verify', '--json']);
    expect(status).toBe(3);
    expect(stderr.toString()).toContain('"E_VAULT_LOCKED"');
  });
});

describe('a seal that lags behind its log', () => {
  it('is caught up by the next run, and nothing is refused', async () => {
    const seal = path.join(box.home, 'audit.seal');
    const earlier = readFileSync(seal);
    await box.set('later', 'value-of-later');
    writeFileSync(seal, earlier);
    const { status } = await box.run(['run', '-e', 'L=hasp://later', '--', 'sh', '-c', 'exit 7']);
    expect(status).toBe(7);
    expect((await box.run(['audit', 'verify'])).status).toBe(0);
  });
});

function swap(all: readonly string[], at: number): string[] {
  return all.with(at, all[at + 1] ?? '').with(at + 1, all[at] ?? '');
}

/** Looks like its successor but for the MAC. */
function forged(line: string): string {
  return line.replace(/"mac":"[0-9a-f]{64}"/, `"mac":"${'0'.repeat(64)}"`).replace(/"secret":"[a-z]"/, '"secret":"z"');
}
