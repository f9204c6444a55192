import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HASP, isLiving, type LogRecord, Sandbox, until } from './support/sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ shared: 'value-of-shared' });
});
afterAll(() => box.remove());

const WRITERS = 8;
const TURNS = 25;

/** Shells that each run their script's line 25 times, one after the other; what failed is printed. */
async function inParallel(line: string): Promise<string> {
  const script = `i=0; while [ $i -lt ${TURNS} ]; do i=$((i+1)); ${line} || echo "writer $1 turn $i: $?"; done`;
  const outcomes = await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => box.other(['sh', '-c', script, HASP, String(writer)])),
  );
  return outcomes.map(({ stdout, stderr }) => `${stdout}${stderr}`).join('');
}

const ids = (records: readonly LogRecord[], type: string) =>
  records
    .filter((record) => record['type'] === type)
    .map((record) => String(record['grant']))
    .sort();

it('8 processes × 25 secret set: every one is there, and the chain verifies', async () => {
  expect(await inParallel('printf "value of %s %s" "$1" "$i" | "$0" secret set --json "w$1/s$i" >/dev/null')).toBe('');
  const { secrets } = await box.json<{ secrets: { name: string }[] }>(['secret', 'list']);
  const expected = Array.from(
    { length: WRITERS * TURNS },
    (_, at) => `w${at % WRITERS}/s${Math.floor(at / WRITERS) + 1}`,
  );
  expect(secrets.map(({ name }) => name).sort()).toEqual([...expected, 'shared'].sort());
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 2 + WRITERS * TURNS, fenced: 0 });
  const { stdout } = await box.run(['run', '--redact', 'never', '-e', 'V=hasp://w3/s17', '--', 'sh', '-c', 'echo $V']);
  expect(stdout.toString()).toBe('value of 3 17\n');
});

it('8 processes × 25 run: every one ends with its own status, each grant is issued and ended once', async () => {
  const before = await box.log();
  expect(await inParallel('"$0" run -e V=hasp://shared -- sh -c "exit $i"; test $? = $i')).toBe('');
  const records = (await box.log()).slice(before.length);
  expect(ids(records, 'grant.issued')).toHaveLength(WRITERS * TURNS);
  expect(new Set(ids(records, 'grant.issued')).size).toBe(WRITERS * TURNS);
  expect(ids(records, 'grant.ended')).toEqual(ids(records, 'grant.issued'));
  expect(records).toHaveLength(2 * WRITERS * TURNS);
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, fenced: 0 });
  expect(readdirSync(path.join(box.home, 'run'))).toEqual([]);
});

it('writers killed at random: nothing acknowledged is lost, the chain verifies, every grant ends once', async () => {
  const acknowledged: string[] = [];
  // As long as the same takes now when it is left alone, so that kills fall into every part of it.
  const usual = Math.max(
    ...(
      await Promise.all([1, 2, 3, 4].map((n) => box.run(['secret', 'set', `usual/s${n}`], { stdin: 'value-value' })))
    ).map(({ ms }) => ms),
  );
  const end = performance.now() + 12_000;
  let turn = 0;
  const setOne = async (name: string) => {
    const running = box.start(['secret', 'set', name, '--json'], { stdin: `value of ${name}` });
    const timer = setTimeout(() => running.child.kill('SIGKILL'), Math.random() * usual * 1.5);
    if ((await running.ended).status === 0) acknowledged.push(name);
    clearTimeout(timer);
  };
  const runOne = async (name: string) => {
    const running = box.start([
      'run',
      '-e',
      'V=hasp://shared',
      '--file',
      'F=hasp://shared',
      '--',
      'sh',
      '-c',
      `echo ${name} && sleep 0.05`,
    ]);
    const timer = setTimeout(() => running.child.kill('SIGKILL'), Math.random() * usual * 2);
    await running.ended;
    clearTimeout(timer);
  };
  const writer = async (deed: (name: string) => Promise<void>, prefix: string) => {
    while (performance.now() < end) {
      turn += 1;
      await deed(`${prefix}/t${turn}`);
    }
  };
  await Promise.all([writer(setOne, 'k0'), writer(setOne, 'k1'), writer(runOne, 'k2'), writer(runOne, 'k3')]);
  expect(acknowledged.length).toBeGreaterThan(3);

  await until('all killed runs are ended', async () => {
    await box.ok(['secret', 'list']);
    return readdirSync(path.join(box.home, 'run')).length === 0;
  });
  const names = new Set(
    (await box.json<{ secrets: { name: string }[] }>(['secret', 'list'])).secrets.map(({ name }) => name),
  );
  expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  const records = await box.log();
  expect(ids(records, 'grant.ended')).toEqual(ids(records, 'grant.issued'));
  expect(records.some((record) => record['endReason'] === 'wrapper-lost')).toBe(true);
  const known = new Set(records.filter(({ type }) => type === 'secret.set').map(({ secret }) => secret));
  expect([...names].filter((name) => !known.has(name))).toEqual([]);
});

it('two hasps that find the same lost run write one end', async () => {
  const running = box.start(['run', '-e', 'V=hasp://shared', '--', 'sh', '-c', 'echo $$; echo ready; exec sleep 60']);
  await running.printed('ready');
  running.child.kill('SIGKILL');
  const child = Number((await running.ended).stdout.toString().split('\n')[0]);
  await Promise.all(Array.from({ length: 6 }, () => box.ok(['secret', 'list'])));
  await until('the child is gone', () => !isLiving(child));
  const records = await box.log();
  const issued = records.findLast(({ type }) => type === 'grant.issued');
  expect(records.filter(({ type, grant }) => type === 'grant.ended' && grant === issued?.['grant'])).toHaveLength(1);
});
