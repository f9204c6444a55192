import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AskedRun, startAsked } from './support/asking.ts';
import { HASP, Sandbox, until } from './support/sandbox.ts';

const VALUE = 'correct-horse-battery';
/** Fetches whenever the file `ask` is there, and tells what came of it in `answer`. */
const ASKING = `
while [ ! -f over ] && [ -f told ]; do
  [ ! -f ask ] || { rm ask; "${HASP}" get token >answer.new 2>&1; echo " $?" >>answer.new; mv answer.new answer; }
  sleep 0.02
done &`;

let box: Sandbox;
let run: AskedRun;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ token: VALUE });
  await box.ok(['unlock']);
  run = await startAsked(box, ['-e', 'TOKEN=hasp://token', '--ask', 'token'], ASKING);
});
afterEach(async () => {
  await run.end();
  await box.run(['broker', 'stop']);
  box.remove();
});

const brokerPid = (): number => JSON.parse(readFileSync(path.join(box.home, 'broker.json'), 'utf8')).pid;

/** By a member of the tree, now. */
async function fetched(): Promise<string> {
  const answer = path.join(box.cwd, 'answer');
  rmSync(answer, { force: true });
  box.write('ask', '');
  await until('the answer', () => existsSync(answer));
  return readFileSync(answer, 'utf8');
}

/** Whether the memory of a process holds a text. */
function holds(pid: number, text: string): boolean {
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return [...maps].some(([, from = '', to = '']) => {
      const bytes = Buffer.alloc(Number.parseInt(to, 16) - Number.parseInt(from, 16));
      readSync(memory, bytes, 0, bytes.length, Number.parseInt(from, 16));
      return bytes.includes(text);
    });
  } finally {
    closeSync(memory);
  }
}

describe('a grant that is fetched through a broker', () => {
  it('gives nothing while the broker is locked, not even for the first time, and goes on when it is unlocked', async () => {
    await box.ok(['lock']);
    const refused = await fetched();
    expect(refused).toContain('the broker is locked');
    expect(refused).toContain('hasp unlock');
    expect(refused).toMatch(/ 3\n$/);
    expect(await box.log('--type', 'grant.delivered')).toEqual([]);
    await box.ok(['unlock']);
    expect(await fetched()).toBe(`${VALUE} 0\n`);
    await box.ok(['lock']);
    expect(await fetched()).toMatch(/ 3\n$/);
    expect(await box.log('--type', 'grant.delivered')).toHaveLength(1);
  });

  // The broker is not to be looked into but by root.
  it.skipIf(process.getuid?.() !== 0)('is not held in the memory of the broker, locked or not', async () => {
    expect(await fetched()).toBe(`${VALUE} 0\n`);
    expect(holds(run.pid, VALUE)).toBe(true);
    expect(holds(brokerPid(), VALUE)).toBe(false);
    await box.ok(['lock']);
    expect(holds(brokerPid(), VALUE)).toBe(false);
  });

  it.each([
    ['stopped', 'revoked'],
    ['killed', 'wrapper-lost'],
  ])('ends when its broker is %s (%s), and the run goes on', async (how, reason) => {
    const [asked] = await box.log('--type', 'grant.issued').then((issued) => issued.slice(-1));
    if (how === 'killed') process.kill(brokerPid(), 'SIGKILL');
    else await box.ok(['broker', 'stop']);
    const ended = await until('the end is on record', async () => {
      const records = await box.log('--type', 'grant.ended');
      return records.length > 0 && records;
    });
    expect(ended).toMatchObject([{ grant: asked?.['grant'], secret: 'token', endReason: reason, clean: true }]);
    const live = async () => (await box.json<{ grants: { delivery: string }[] }>(['grants'])).grants;
    await until('it is not listed', async () => (await live()).length === 1);
    expect(await live()).toMatchObject([{ delivery: 'env' }]);
    expect(await fetched()).toMatch(/nobody serves the run[\s\S]* 3\n$/);
    await box.ok(['unlock']);
    expect(await fetched()).toMatch(/ 3\n$/);
    await run.end();
    expect((await box.log('--type', 'grant.ended')).map(({ endReason }) => endReason)).toEqual([reason, 'exited']);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });
});
