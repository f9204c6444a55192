import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { alterRecord, logFile, logLines, rewriteLog } from './support/log-lines.ts';
import { filesBelow, type Outcome, Sandbox } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

const RUN = ['run', '-e', 'X=hasp://a', '--', 'true'];
const FILES = ['audit.jsonl', 'audit.seal'] as const;
/** The vault, two secrets, two runs. */
const RECORDS = 7;

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-a', b: 'value-of-b' });
  for (let runs = 0; runs < 2; runs++) await model.ok(RUN);
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
const alter = (at: number) => alterRecord(box, at);
const state = () => readdirSync(box.home).filter((name) => name.startsWith('audit'));
const chain = () => (JSON.parse(lines()[0] ?? '') as { chain: string }).chain;

/** The key of the next record, as it stands in the seal. */
function keysIn(bytes: Buffer): Buffer[] {
  return [4096, 8192]
    .map((slot) => bytes.subarray(slot + 80, slot + 112))
    .filter((key) => key.some((byte) => byte > 0));
}

interface Answer {
  readonly outcome: string;
  readonly chain: string;
  readonly records: number;
  readonly archive?: string;
  readonly report?: string;
}

const confirm = (word: string, argv: readonly string[] = []): Promise<Outcome> =>
  onTerminal(box, ['audit', 'recover', ...argv], [{ question: 'Type the word recover to do this: ', answer: word }]);

async function recover(): Promise<Answer> {
  const { status, stdout } = await confirm('recover', ['--json']);
  expect(status).toBe(0);
  return JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '') as Answer;
}

const verified = async () => (await box.json<{ records: number }>(['audit', 'verify'])).records;

describe('hasp audit recover of a log', () => {
  it('that is intact has nothing to do', async () => {
    const before = FILES.map((name) => readFileSync(path.join(box.home, name), 'hex'));
    const { status, stderr } = await box.run(['audit', 'recover']);
    expect([status, stderr.toString()]).toEqual([0, 'hasp: the log is intact: there is nothing to recover\n']);
    expect(FILES.map((name) => readFileSync(path.join(box.home, name), 'hex'))).toEqual(before);
  });

  it.each([
    ['is lost', () => rmSync(seal())],
    ['is empty', () => truncateSync(seal(), 0)],
    [
      'has no whole slot',
      () =>
        writeFileSync(
          seal(),
          readFileSync(seal())
            .fill(7, 4096 + 100, 4096 + 110)
            .fill(7, 8192, 8300),
        ),
    ],
    ['has another first page', () => writeFileSync(seal(), readFileSync(seal()).fill(7, 0, 50))],
  ])('whose seal %s makes the seal anew, without a person, and records it', async (_what, spoil) => {
    const before = chain();
    spoil();
    expect((await box.run(RUN)).status).toBe(125);
    const answer = await box.json<Answer>(['audit', 'recover']);
    expect(answer).toMatchObject({ outcome: 'resealed', chain: before, records: RECORDS + 1 });
    expect(JSON.parse(lines().at(-1) ?? '')).toMatchObject({ type: 'audit.resealed', last: RECORDS });
    await box.ok(RUN);
    expect(await verified()).toBe(RECORDS + 3);
    expect(state().sort()).toEqual([...FILES]);
  });

  it('whose seal is lost, and which ends in half a record, fences that too', async () => {
    rmSync(seal());
    appendFileSync(log(), '{"v":1,"seq":8,"ti');
    expect(await box.json(['audit', 'recover'])).toMatchObject({ outcome: 'resealed' });
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, fenced: 1, records: RECORDS + 2 });
  });

  it('that only ends in half a record fences it, as the next run would', async () => {
    appendFileSync(log(), '{"v":1,"seq":8,"ti');
    expect(await box.json(['audit', 'recover'])).toMatchObject({ outcome: 'fenced', records: RECORDS + 1 });
    expect(await verified()).toBe(RECORDS + 1);
  });

  it('whose seal is lost does not take a log for intact that was cut to before the mark', async () => {
    rmSync(seal());
    rewrite(lines().slice(0, -2));
    const { status, stderr } = await box.run(['audit', 'recover', '--json']);
    expect([status, stderr.toString()]).toEqual([3, expect.stringContaining('E_DENIED')]);
    expect(state()).toEqual(['audit.jsonl']);
  });
});

describe('a broken log', () => {
  it('is put aside by nobody but a person at a terminal, who types the word', async () => {
    alter(3);
    const before = FILES.map((name) => readFileSync(path.join(box.home, name), 'hex'));
    const alone = await box.run(['audit', 'recover'], { stdin: 'recover\n' });
    expect([alone.status, alone.stdout.toString()]).toEqual([3, '']);
    expect(alone.stderr.toString()).toMatch(
      /^hasp: the log is broken at record 4[\s\S]*records 1 to 3[\s\S]* terminal/,
    );
    expect((await confirm('yes')).status).toBe(3);
    const inside = await box.run(['audit', 'recover', '--json'], { env: { HASP_SESSION: 'x' } });
    expect([inside.status, inside.stderr.toString()]).toEqual([3, expect.stringContaining('E_AGENT_SESSION')]);
    expect(FILES.map((name) => readFileSync(path.join(box.home, name), 'hex'))).toEqual(before);
    expect(state().sort()).toEqual([...FILES]);
  });

  const wrecks: [what: string, wreck: () => void | Promise<void>, code: string][] = [
    ['an altered record', () => alter(3), 'altered'],
    ['a removed record', () => rewrite(lines().toSpliced(3, 1)), 'missing'],
    ['a cut end', () => rewrite(lines().slice(0, -1)), 'truncated'],
    ['a deleted log', () => rmSync(log()), 'log-missing'],
    ['an emptied log', () => truncateSync(log()), 'truncated'],
    [
      'neither log nor seal',
      () =>
        [log(), seal()].forEach((file) => {
          rmSync(file);
        }),
      'log-missing',
    ],
    [
      'log and seal of another vault',
      async () => {
        const other = await Sandbox.withSecrets({ a: 'value-of-a' });
        for (const name of FILES) copyFileSync(path.join(other.home, name), path.join(box.home, name));
        other.remove();
      },
      'wrong-chain',
    ],
    [
      'log and seal that were put back',
      async () => {
        const kept = FILES.map((name) => readFileSync(path.join(box.home, name)));
        await box.ok(RUN);
        FILES.forEach((name, at) => {
          writeFileSync(path.join(box.home, name), kept[at] ?? '');
        });
      },
      'rolled-back',
    ],
  ];

  it.each(wrecks)(
    'with %s is kept to the byte beside a report, and a new chain names it',
    async (_what, wreck, code) => {
      const old = chain();
      await wreck();
      const bytes = existsSync(log()) ? readFileSync(log()) : undefined;
      const keys = existsSync(seal()) ? keysIn(readFileSync(seal())) : [];
      const problem = (await verifyBroken()).problem as { code: string };
      expect(problem.code).toBe(code);
      const { archive, report = '', ...answer } = await recover();
      expect(answer).toMatchObject({ outcome: 'restarted', records: 1, problem });
      const facts = JSON.parse(readFileSync(path.join(box.home, report), 'utf8')) as Record<string, unknown>;
      expect(facts).toMatchObject({ chain: old, next: answer.chain, problem });
      const record = JSON.parse(lines()[0] ?? '') as Record<string, unknown>;
      expect(record).toMatchObject({
        type: 'audit.restarted',
        chain: answer.chain,
        previous: { chain: old },
        problem: code,
      });
      if (bytes === undefined) expect([archive, record['archive'], facts['log']]).toEqual([undefined, undefined, null]);
      else {
        const kept = readFileSync(path.join(box.home, archive ?? ''));
        const sha256 = createHash('sha256').update(kept).digest('hex');
        expect(kept.equals(bytes)).toBe(true);
        expect(record['archive']).toEqual({ file: archive, bytes: bytes.length, sha256 });
      }
      for (const file of filesBelow(box.home))
        for (const key of keys) expect(readFileSync(file).includes(key)).toBe(false);
      expect((await box.run(['doctor'])).status).toBe(0);
      await box.ok(RUN);
      expect(await verified()).toBe(3);
    },
  );

  async function verifyBroken(): Promise<Record<string, unknown>> {
    const { status, stdout } = await box.run(['audit', 'verify', '--json']);
    expect(status).toBe(6);
    return JSON.parse(stdout.toString()) as Record<string, unknown>;
  }

  it('can break again: each chain names the one before', async () => {
    alter(3);
    const one = await recover();
    await box.ok(RUN);
    alter(1);
    const two = await recover();
    expect(new Set([one.archive, two.archive, one.report, two.report]).size).toBe(4);
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ previous: { chain: one.chain, seq: 1 } });
    expect(await verified()).toBe(1);
  });

  it('leaves checkpoints of its chain to be checked against what was kept', async () => {
    const note = path.join(box.cwd, 'checkpoint');
    await box.ok(['audit', 'checkpoint', '--out', note]);
    await box.ok(RUN);
    alter(8);
    const { archive = '' } = await recover();
    const { status, stderr } = await box.run(['audit', 'verify', '--checkpoint', note]);
    expect(status).toBe(6);
    expect(stderr.toString()).toMatch(/another chain of this vault.*checkpoint-other-chain/);
    expect(stderr.toString()).toContain(archive);
    const key = box.write('vault.pem', await box.ok(['audit', 'checkpoint', '--public-key']));
    const script = path.join(import.meta.dirname, '../docs/examples/verify-checkpoint.sh');
    expect((await box.other(['sh', script, path.join(box.home, archive), note, key])).status).toBe(0);
  });

  it('is named with the way out, wherever it stops something', async () => {
    rewrite(lines().slice(0, -1));
    for (const argv of [RUN, ['secret', 'rm', 'b'], ['audit', 'verify'], ['doctor']]) {
      const { stdout, stderr } = await box.run(argv);
      expect(`${argv.join(' ')}: ${stdout}${stderr}`).toContain('hasp audit recover');
    }
  });
});
