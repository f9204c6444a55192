import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { logFile, logLines } from './support/log-lines.ts';
import { filesBelow, HASP, Sandbox } from './support/sandbox.ts';

interface End {
  readonly records: number;
  readonly first: { readonly seq: number } | null;
  readonly last: { readonly seq: number; readonly mac: string } | null;
  readonly previousMac: string | null;
  readonly sha256: string;
  readonly verified: boolean;
  readonly verifiedTo: { readonly seq: number } | null;
  readonly problem?: { readonly code: string; readonly seq: number };
}

let model: Sandbox;
let box: Sandbox;
/** The vault, a secret, two runs. */
const RECORDS = 6;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-a' });
  for (let runs = 0; runs < 2; runs++) await model.ok(['run', '-e', 'X=hasp://a', '--', 'true']);
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const log = () => logFile(box);
const lines = () => logLines(box);
const facts = () => lines().map((line) => JSON.parse(line) as { seq: number; time: string; mac: string });

async function exported(...argv: string[]) {
  const { status, stdout, stderr } = await box.run(['audit', 'export', ...argv]);
  const text = stdout.toString().split('\n').slice(0, -1);
  const end = (JSON.parse(text.at(-1) ?? '{}') as { export: End }).export;
  return { status, stderr: stderr.toString(), records: text.slice(0, -1), end };
}

describe('hasp audit export', () => {
  it('gives every record as it stands in the log, then what verifies', async () => {
    const { status, stderr, records, end } = await exported();
    expect([status, stderr, records]).toEqual([0, '', lines()]);
    const { chain } = JSON.parse(lines()[0] ?? '') as { chain: string };
    const last = facts().at(-1);
    expect(end).toEqual({
      chain,
      records: RECORDS,
      first: { seq: 1, time: facts()[0]?.time },
      last: { seq: RECORDS, mac: last?.mac, time: last?.time },
      previousMac: '0'.repeat(64),
      sha256: createHash('sha256').update(readFileSync(log())).digest('hex'),
      verified: true,
      verifiedTo: { seq: RECORDS, mac: last?.mac, time: last?.time },
    });
  });

  it('gives the records of a time, with the MAC that the first of them is chained to', async () => {
    const [, , from, to] = facts();
    const { records, end } = await exported('--since', from?.time ?? '', '--until', to?.time ?? '', '--json');
    expect(records).toEqual(lines().slice(2, 4));
    expect(end).toMatchObject({ records: 2, first: { seq: 3 }, last: { seq: 4 }, previousMac: facts()[1]?.mac });
    expect(end).toMatchObject({ since: from?.time, until: to?.time, verifiedTo: { seq: RECORDS } });
  });

  it('gives no record of a time without any, and says that', async () => {
    const { status, records, end } = await exported('--until', '2020-01-01');
    expect([status, records]).toEqual([0, []]);
    expect(end).toMatchObject({ records: 0, first: null, last: null, previousMac: null, verified: true });
  });

  it('leaves fenced bytes out, and gives the record that fences them', async () => {
    appendFileSync(log(), '{"v":1,"seq":7,"ti');
    await box.ok(['run', '-e', 'X=hasp://a', '--', 'true']);
    const { records, end } = await exported();
    expect(records).toEqual(lines().filter((line) => line.endsWith('}')));
    expect(end).toMatchObject({ records: RECORDS + 3, verified: true });
  });

  it('gives what verifies of a broken log, says up to where, and ends with 6', async () => {
    writeFileSync(
      log(),
      `${lines()
        .with(3, (lines()[3] ?? '').replace('"time":"2', '"time":"3'))
        .join('\n')}\n`,
    );
    const { status, stderr, records, end } = await exported();
    expect([status, records]).toEqual([6, lines().slice(0, 3)]);
    expect(stderr).toMatch(/^hasp: the log is broken at record 4.*altered/);
    expect(end).toMatchObject({
      records: 3,
      verified: false,
      verifiedTo: { seq: 3 },
      problem: { code: 'altered', seq: 4 },
    });
  });

  it('is not led astray by a forged fence behind the damage', async () => {
    const good = lines()
      .slice(0, 3)
      .map((line) => `${line}\n`)
      .join('');
    const fence = { type: 'audit.recovered', offset: 0, bytes: good.length + 2, sha256: '0'.repeat(64) };
    writeFileSync(log(), `${good}x\n${JSON.stringify({ v: 1, seq: 4, time: facts()[3]?.time, ...fence })}\n`);
    const { status, records } = await exported();
    expect([status, records]).toEqual([6, good.split('\n').slice(0, -1)]);
  });

  it('of no log, and of an emptied one, says that nothing verifies', async () => {
    truncateSync(log());
    expect(await exported()).toMatchObject({ status: 6, records: [], end: { verified: false, verifiedTo: null } });
    rmSync(log());
    expect(await exported()).toMatchObject({
      status: 6,
      records: [],
      end: { verified: false, problem: { code: 'log-missing' } },
    });
  });

  it('only reads, and is quiet when its reader goes away', async () => {
    const files = () => filesBelow(box.home).filter((file) => !path.basename(file).startsWith('vault.db'));
    const state = () => files().map((file) => [file, readFileSync(file, 'hex'), statSync(file).mtimeMs]);
    const before = state();
    const { stdout, stderr } = await box.other(['sh', '-c', `'${HASP}' audit export | head -n 1`]);
    expect([stdout.toString(), stderr.toString()]).toEqual([`${lines()[0]}\n`, '']);
    expect(state()).toEqual(before);
  });

  it.each([
    [['--since', 'nonsense'], 2, 'E_USAGE'],
    [['--key-file', '/not/there'], 3, 'E_VAULT_LOCKED'],
  ] as const)('with %j is refused', async (argv, expected, code) => {
    const { status, stdout, stderr } = await box.run(['audit', 'export', '--json', ...argv]);
    expect([status, stdout.toString(), stderr.toString()]).toEqual([expected, '', expect.stringContaining(code)]);
  });

  it('is refused inside an agent session', async () => {
    const { status, stderr } = await box.run(['audit', 'export', '--json'], { env: { HASP_SESSION: 'x' } });
    expect([status, stderr.toString()]).toEqual([3, expect.stringContaining('E_AGENT_SESSION')]);
  });
});
