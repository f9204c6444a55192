import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { alterRecord, logFile, logLines } from './support/log-lines.ts';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';

const RUN = ['run', '-e', 'X=hasp://a', '--', 'true'];
const mayTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-a' });
  await model.ok(RUN);
  await model.ok(RUN);
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const log = () => logFile(box);
const lines = () => logLines(box);
const alter = (at: number) => alterRecord(box, at);
const first = () => JSON.parse(lines()[0] ?? '') as { type: string; archive?: { file: string; sha256: string } };
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const archives = () => readdirSync(box.home).filter((name) => /^audit-.*\.jsonl$/.test(name));

/** With the word typed ahead. */
function recover(through = ''): ReturnType<Sandbox['other']> {
  const command = `exec ${through} '${HASP}' audit recover --json`;
  return box.other(['script', '-qefc', command, '/dev/null'], { stdin: 'recover\n' });
}

/** Of moments that are many, some: every one within a few runs of this file. */
const next = (call: string, when: number) =>
  when + (['fsync', 'pwrite64'].includes(call) ? 1 + Math.floor(Math.random() * 3) : 1);

describe.runIf(mayTrace)('hasp audit recover that is killed', () => {
  const CALLS = ['fsync', 'fdatasync', 'link', 'rename', 'pwrite64'] as const;
  const outcomes = new Set<string>();

  it.each(CALLS)(
    'before each %s leaves the old log as it was or a whole new one, and can be finished',
    async (call) => {
      let moments = 0;
      for (let when = 1; ; when = next(call, when)) {
        alter(3);
        const old = sha256(log());
        const inject = `strace -f -qq -o /dev/null -e trace=${call} -e inject=${call}:signal=SIGKILL:when=${when}`;
        const { status } = await recover(inject);
        if (status === 0) break;
        moments += 1;
        const isNew = (await box.run(['audit', 'verify'])).status === 0;
        const outcome = (await recover()).stdout.toString();
        const made = /"outcome":"([a-z]+)"/.exec(outcome)?.[1] ?? outcome;
        expect([call, when, made === 'nothing']).toEqual([call, when, isNew]);
        outcomes.add(made);
        expect((await box.run(['audit', 'verify'])).status).toBe(0);
        // Whatever happened, the bytes of the old log are there, once, and the new one names them.
        const kept = archives().filter((name) => sha256(path.join(box.home, name)) === old);
        expect(first()).toMatchObject({ type: 'audit.restarted', archive: { file: kept[0], sha256: old } });
        expect(archives()).toEqual(kept);
        expect((await box.run(RUN)).status).toBe(0);
        const left = readdirSync(box.home).filter((name) => name.includes('.new'));
        expect([call, when, left]).toEqual([call, when, []]);
        box.remove();
        box = model.clone();
      }
      expect(moments).toBeGreaterThan(0);
    },
    300_000,
  );

  it('is killed at moments of every kind', () => {
    expect([...outcomes].sort()).toEqual(['finished', 'nothing', 'restarted']);
  });

  it('while it makes a lost seal anew, too', async () => {
    for (const call of ['fsync', 'link', 'fdatasync'] as const) {
      for (let when = 1; ; when = next(call, when)) {
        rmSync(path.join(box.home, 'audit.seal'));
        const inject = `strace -f -qq -o /dev/null -e trace=${call} -e inject=${call}:signal=SIGKILL:when=${when}`;
        const { status } = await recover(inject);
        await box.ok(['audit', 'recover']);
        await box.ok(RUN);
        await box.ok(['audit', 'verify']);
        expect(archives()).toEqual([]);
        if (status === 0) break;
      }
    }
  }, 300_000);
});

describe('hasp audit recover beside writers', () => {
  it('lets none write into the log that was put aside, with a broker that has the vault open', async () => {
    await box.ok(['broker', 'start', '--detach', '--no-http']);
    await box.ok(['unlock']);
    await box.ok(RUN);
    // In the middle: writers go on, for they look at the end alone.
    alter(3);
    let stop = false;
    const writer = async () => {
      while (!stop) await box.ok(RUN);
    };
    const alone = async () => {
      for (let runs = 0; !stop; runs++) await box.ok(['secret', 'set', 'b'], { stdin: `value-${runs}` });
    };
    const writing = Promise.all([writer(), writer(), alone()]);
    const { status, stdout } = await recover();
    expect([status, stdout.toString()]).toEqual([0, expect.stringContaining('"outcome":"restarted"')]);
    const { archive } = first();
    const file = path.join(box.home, archive?.file ?? '');
    await box.ok(RUN);
    stop = true;
    await writing;
    expect(sha256(file)).toBe(archive?.sha256);
    await box.ok(['audit', 'verify']);
    expect((await box.json<{ records: number }>(['audit', 'verify'])).records).toBeGreaterThan(3);
    await box.ok(['broker', 'stop']);
  }, 120_000);

  it('gives the grants of a run that lost its wrapper before it their end in the new chain', async () => {
    const argv = ['run', '-e', 'X=hasp://a', '--', 'sh', '-c', 'echo ready; while :; do sleep 0.02; done'];
    const running = box.start(argv);
    await running.printed('ready');
    process.kill(running.pid, 'SIGKILL');
    await until('the wrapper is gone', () => !isLiving(running.pid));
    const grant = (JSON.parse(lines().at(-1) ?? '') as { grant: string }).grant;
    alter(3);
    expect((await recover()).status).toBe(0);
    await box.ok(RUN);
    const ends = await box.log('--type', 'grant.ended');
    expect(ends[0]).toMatchObject({ grant, endReason: 'wrapper-lost' });
    expect(ends.length).toBe(2);
    await box.ok(['audit', 'verify']);
  });

  it('is done once by two who are asked at the same time', async () => {
    alter(3);
    const both = await Promise.all([recover(), recover()]);
    expect(both.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    expect(archives().length).toBe(1);
    await box.ok(RUN);
    await box.ok(['audit', 'verify']);
  });
});
