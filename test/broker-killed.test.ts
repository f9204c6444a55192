import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isLiving, Sandbox, until } from './support/sandbox.ts';

const ROUNDS = 12;
const RUN = ['run', '-e', 'TOKEN=hasp://token', '--file', 'FILE=hasp://token', '--', 'sh', '-c'];

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ token: 'value-of-some-length' });
});
afterAll(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

/** Of the broker that is about to be ready, or is. */
function brokerPid(): number | undefined {
  try {
    return JSON.parse(readFileSync(path.join(box.home, 'broker.json'), 'utf8')).pid as number;
  } catch {
    return undefined;
  }
}

/** As many as were issued have ended. */
async function openGrants(): Promise<number> {
  const issued = await box.log('--type', 'grant.issued');
  return issued.length - (await box.log('--type', 'grant.ended')).length;
}

it('a broker killed at any moment leaves no open grant, no file, a whole log, and no place that is taken', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const unlocked = box.run(['unlock']);
    // Now before it is there, now in the midst of runs, now after them.
    if (round % 3 > 0) await unlocked;
    const runs = Array.from({ length: 4 }, (_, at) =>
      box.run([...RUN, `sleep 0.0${at}; test -n "$TOKEN" && cat "$FILE" >/dev/null`]),
    );
    await new Promise((resolve) => setTimeout(resolve, 15 * round));
    const pid = brokerPid();
    if (pid !== undefined && isLiving(pid)) process.kill(pid, 'SIGKILL');
    await unlocked;
    for (const { status, stderr } of await Promise.all(runs)) {
      // Who was still waiting for the answer is told so, and nothing was started.
      if (status !== 0) expect([status, stderr.toString()]).toEqual([125, expect.stringContaining('broker')]);
    }
    await box.ok(['grants']);
    expect(await openGrants()).toBe(0);
    const left = readdirSync(path.join(box.home, 'run'));
    expect(left).toEqual([]);
  }
  expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  await box.ok(['unlock']);
  expect(await box.json(['broker', 'status'])).toMatchObject({ isUnlocked: true });
});

it('a wrapper and its broker that are killed together leave nothing that the next hasp does not end', async () => {
  await box.ok(['unlock']);
  const running = box.start([...RUN, 'setsid sh -c "echo live; exec sleep 600" & exec sleep 600']);
  await running.printed('live');
  const pid = brokerPid() as number;
  const { grants } = await box.json<{ grants: { tree: { pid: number }[] }[] }>(['grants']);
  for (const each of [pid, running.pid]) process.kill(each, 'SIGKILL');
  await until('both have ended', () => !isLiving(pid) && !isLiving(running.pid));
  await box.ok(['grants']);
  expect(grants.flatMap(({ tree }) => tree).filter((member) => isLiving(member.pid))).toEqual([]);
  expect(await openGrants()).toBe(0);
  expect((await box.log('--type', 'grant.ended')).at(-1)).toMatchObject({ endReason: 'wrapper-lost' });
});
