import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EscapeArena } from './support/escapes.ts';
import { HASP, isLiving, type LogRecord, type Running, Sandbox, until } from './support/sandbox.ts';
import { clear, livingIn } from './support/witnesses.ts';

/** 200 ms is promised for a quiet machine; this only tells it from waiting for something. */
const GENEROUS_MS = 5_000;
const DELIVERED = ['-e', 'KEY=hasp://key', '--file', 'FILE=hasp://key'];

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ key: 'value-of-the-lost' });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => {
  clear(box.cwd);
  box.remove();
});

const runFolder = () => readdirSync(path.join(box.home, 'run'));
const fileIn = (name: string) => readFileSync(path.join(box.cwd, name), 'utf8').trim();
const ids = (records: readonly LogRecord[], type: string) =>
  records.flatMap((record) => (record['type'] === type ? [String(record['grant'])] : [])).sort();
/** What hasp put in memory for runs of this home. */
const delivered = (records: readonly LogRecord[]) =>
  records.filter(({ run }) => existsSync(`/dev/shm/hasp-${String(run)}`));

/** Kills the wrapper of a run that never ends by itself, and only it. */
async function lost(script: string, options: readonly string[] = DELIVERED): Promise<Running> {
  const whole = `echo $$ >root; ${script} echo ready; while :; do sleep 0.02; done`;
  const running = box.start(['run', ...options, '--', 'sh', '-c', whole]);
  await running.printed('ready');
  process.kill(running.pid, 'SIGKILL');
  await until('the wrapper is gone', () => !isLiving(running.pid));
  return running;
}

/** The one state below run/, changed. */
function changeState(change: (state: State) => object): void {
  const [name = ''] = runFolder();
  const file = path.join(box.home, 'run', name);
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as State)));
}

interface Identity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

interface State {
  readonly wrapper: Identity;
  readonly root: Identity;
  readonly members: readonly Identity[];
}

async function expectAllEnded(): Promise<LogRecord[]> {
  const records = await box.log();
  expect(runFolder()).toEqual([]);
  expect(delivered(records)).toEqual([]);
  expect(ids(records, 'grant.ended')).toEqual(ids(records, 'grant.issued'));
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  return records;
}

it('killed at any moment of its life, wrapper or reconciler, leaves nothing that the next hasp does not end', async () => {
  const KILLS = 40;
  const script = "(setsid sh -c 'sleep 300 & sleep 300' <&- >&- 2>&- &); sleep 0.05; (sleep 300 &); sleep 0.05";
  const argv = ['run', ...DELIVERED, '--grace', '20ms', '--', 'sh', '-c', script];
  const next = [['secret', 'list'], ['grants'], ['run', '-e', 'K=hasp://key', '--', 'true'], ['secret', 'show', 'key']];
  const usual = (await box.run(argv)).ms;
  const kill = async (command: readonly string[], withinMs: number): Promise<void> => {
    const running = box.start(command);
    const timer = setTimeout(() => process.kill(running.pid, 'SIGKILL'), Math.random() * withinMs);
    // Its stragglers hold its output: only its own end counts.
    await new Promise((resolve) => running.child.once('exit', resolve));
    clearTimeout(timer);
  };
  for (let count = 0; count < KILLS; count += 2) {
    await Promise.all([kill(argv, usual * 1.2), kill(argv, usual * 1.2)]);
    const command = next[(count / 2) % next.length] ?? [];
    if (count % 8 === 0) await kill(command, usual);
    const { status, stderr, ms } = await box.run(command);
    expect([status, status === 0 ? '' : stderr.toString()]).toEqual([0, '']);
    expect(ms).toBeLessThan(GENEROUS_MS);
    expect(livingIn(box.cwd)).toEqual([]);
    expect(runFolder()).toEqual([]);
  }
  const records = await expectAllEnded();
  expect(records.filter(({ endReason }) => endReason === 'wrapper-lost').length).toBeGreaterThan(5);
});

describe('survivors of a lost wrapper', () => {
  it('are ended though they fork all the time, as long as they carry the mark', async () => {
    const arena = new EscapeArena(fileURLToPath(new URL('..', import.meta.url)), false);
    await lost(`${arena.program} refork stamps 20000;`);
    await box.ok(['secret', 'list']);
    expect(livingIn(box.cwd)).toEqual([]);
    arena.close();
    await expectAllEnded();
  });

  it('are left where the policy is to leave them, and said to be', async () => {
    await lost('', [...DELIVERED, '--stragglers', 'leave']);
    const { stderr } = await box.run(['secret', 'list']);
    const root = Number(fileIn('root'));
    expect(stderr.toString()).toMatch(new RegExp(`lost its wrapper .*sh \\(${root}\\), left`));
    expect(isLiving(root)).toBe(true);
    const ends = (await expectAllEnded()).filter(({ type }) => type === 'grant.ended');
    expect(ends).toMatchObject([{ endReason: 'wrapper-lost', clean: false }, {}]);
    expect(ends[0]?.['survivors']).toContainEqual({ pid: root, command: 'sh', outcome: 'left' });
  });

  it('that are wrappers themselves take the runs within with them, by the same hasp', async () => {
    const inner = `${HASP} run -e IN=hasp://key --file F=hasp://key -- sh -c 'touch inner; while :; do sleep 0.02; done'`;
    await lost(`${inner} & while [ ! -f inner ]; do sleep 0.02; done;`);
    await box.ok(['secret', 'list']);
    expect(livingIn(box.cwd)).toEqual([]);
    const ends = (await expectAllEnded()).filter(({ type }) => type === 'grant.ended');
    expect(ends.map(({ endReason }) => endReason)).toEqual(Array(4).fill('wrapper-lost'));
  });
});

describe('a process that is not of the run', () => {
  const bystander = () => box.startOther(['sleep', '60']);

  it('is not signalled where its pid stands in the state with another start time', async () => {
    await lost('');
    const other = bystander();
    changeState((state) => {
      // The wrapper's start time: the root may have started in the same clock tick as the bystander.
      const reused = (identity: Identity) => ({ ...identity, pid: other.pid });
      return { ...state, wrapper: reused(state.wrapper), members: [...state.members, reused(state.wrapper)] };
    });
    await box.ok(['secret', 'list']);
    expect(isLiving(other.pid)).toBe(true);
    expect(isLiving(Number(fileIn('root')))).toBe(false);
    await expectAllEnded();
  });

  it('is not signalled after a boot, though pid and start time are the same', async () => {
    await lost('');
    process.kill(Number(fileIn('root')), 'SIGKILL');
    const other = bystander();
    const stat = readFileSync(`/proc/${other.pid}/stat`, 'latin1');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    changeState((state) => {
      const before = { ...state.root, bootId: '00000000-0000-4000-8000-000000000000', pid: other.pid, startTime };
      return { ...state, wrapper: before, root: before, members: [before] };
    });
    await box.ok(['secret', 'list']);
    expect(isLiving(other.pid)).toBe(true);
    const ends = (await expectAllEnded()).filter(({ type }) => type === 'grant.ended');
    expect(ends).toMatchObject([{ endReason: 'wrapper-lost' }, { endReason: 'wrapper-lost' }]);
  });
});

it('drafts of a state that a dead wrapper wrote are gone with the next hasp', async () => {
  await lost('');
  const [name = ''] = runFolder();
  const text = readFileSync(path.join(box.home, 'run', name), 'utf8');
  const { wrapper } = JSON.parse(text) as State;
  writeFileSync(path.join(box.home, 'run', `${name}.${wrapper.pid}.tmp`), text.slice(0, 99));
  await box.ok(['secret', 'list']);
  await expectAllEnded();
});
