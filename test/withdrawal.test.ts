import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EscapeArena } from './support/escapes.ts';
import { type Running, Sandbox, until } from './support/sandbox.ts';
import { livingIn } from './support/witnesses.ts';

const GRACE_MS = 300;
/** 250 ms beyond the grace on a quiet machine; this only tells an end from a hang. */
const GENEROUS_MS = 6_000;
const delivered = (grace: string) => ['-e', 'KEY=hasp://key', '--file', 'FILE=hasp://key', '--grace', grace];
const DELIVERED = delivered(`${GRACE_MS}ms`);
const DEAF = 'trap "" TERM HUP INT;';

let arena: EscapeArena;
let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  arena = new EscapeArena(fileURLToPath(new URL('..', import.meta.url)), false);
  model = await Sandbox.withSecrets({ key: 'withdrawn-value' });
});
afterAll(() => {
  arena.close();
  model.remove();
});
beforeEach(() => {
  box = model.clone();
});
afterEach(() => {
  expect(livingIn(box.cwd)).toEqual([]);
  box.remove();
});

const fileIn = (name: string) => readFileSync(path.join(box.cwd, name), 'utf8').trim();
const ends = () => box.log('--type', 'grant.ended');
/** Only this process of the tree, not what it started. */
const signal = (running: Running, name: NodeJS.Signals) => process.kill(running.pid, name);
/** The wrapper and all that is still in its process group, as Ctrl-Z does. */
const signalJob = (running: Running, name: NodeJS.Signals) => process.kill(-running.pid, name);

/** A run that never ends by itself. */
async function lasting(script: string, options: readonly string[] = DELIVERED): Promise<Running> {
  const whole = `echo "$FILE" >file; ${script} echo ready; while :; do sleep 0.02; done`;
  const running = box.start(['run', ...options, '--', 'sh', '-c', whole]);
  await running.printed('ready');
  return running;
}

/** Runs the command, and measures it. */
async function took(argv: readonly string[], stdin = ''): Promise<number> {
  const { status, stderr, ms } = await box.run(argv, { stdin });
  expect([status, stderr.toString()]).toEqual([0, expect.stringMatching(/ended (1 live run|[24] grants of [12] run)/)]);
  return ms;
}

describe('a tree that is revoked', () => {
  it.each([
    ['revoke', ['revoke', '--all'], 'revoked'],
    ['rotate', ['secret', 'rotate', 'key'], 'rotated'],
    ['rm', ['secret', 'rm', 'key'], 'revoked'],
  ])('by %s is ended though its job is stopped, wrapper and all', async (_how, argv, reason) => {
    const running = await lasting(DEAF);
    signalJob(running, 'SIGSTOP');
    expect(await took(argv, 'another value')).toBeLessThan(GENEROUS_MS);
    expect(livingIn(box.cwd).filter((pid) => pid !== running.pid)).toEqual([]);
    expect(existsSync(path.dirname(fileIn('file')))).toBe(false);
    expect(await ends()).toMatchObject([{ endReason: reason }, { endReason: reason }]);
    expect((await running.ended).status).toBe(137);
  });

  it('is ended though it forks all the time, without environment, deaf', async () => {
    const [hops, refork] = ['hops', 'refork'].map((kind) => `${arena.program} ${kind} ${kind} 20000;`);
    const running = await lasting(`${hops} ${refork} ${DEAF}`);
    expect(await took(['revoke', '--all'])).toBeLessThan(GENEROUS_MS);
    await running.ended;
    expect(livingIn(box.cwd)).toEqual([]);
  });

  it('loses its files at once, not when the grace is over', async () => {
    const script = `${DEAF} touch ready; while [ -e "$FILE" ]; do sleep 0.01; done; echo gone >told; exit 4`;
    const running = box.start(['run', ...delivered('60s'), '--', 'sh', '-c', script]);
    await until('it has begun', () => existsSync(path.join(box.cwd, 'ready')));
    expect(await took(['revoke', '--all'])).toBeLessThan(GENEROUS_MS);
    expect([(await running.ended).status, fileIn('told')]).toEqual([4, 'gone']);
  });

  it('by its ttl loses its files at once too', async () => {
    const script = `${DEAF} while [ -e "$FILE" ]; do sleep 0.01; done; exit 4`;
    const outcome = await box.run(['run', ...delivered('60s'), '--ttl', '300ms', '--', 'sh', '-c', script]);
    expect(outcome.status).toBe(4);
    expect(await ends()).toMatchObject([{ endReason: 'ttl' }, { endReason: 'ttl' }]);
  });

  it('by several at once ends once, and every one of them comes back', async () => {
    const runs = [await lasting(''), await lasting(DEAF)];
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => box.run(['revoke', '--all'])));
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
    await Promise.all(runs.map(({ ended }) => ended));
    const records = await ends();
    expect(records).toHaveLength(4);
    expect(new Set(records.map(({ grant }) => grant)).size).toBe(4);
    expect(readdirSync(path.join(box.home, 'run'))).toEqual([]);
  });
});

describe('a wrapper', () => {
  it('that is killed while it is asked: the run is ended as lost, and who asked is told so', async () => {
    const running = await lasting(DEAF, [...delivered('60s')]);
    const revoking = box.start(['revoke', '--all']);
    await until('the files are gone', () => !existsSync(fileIn('file')));
    signal(running, 'SIGKILL');
    const { status, stderr, ms } = await revoking.ended;
    expect([status, stderr.toString()]).toEqual([0, expect.stringMatching(/lost its wrapper.+sh \(\d+\), killed/)]);
    expect(ms).toBeLessThan(GENEROUS_MS);
    expect(await ends()).toMatchObject([{ endReason: 'wrapper-lost' }, { endReason: 'wrapper-lost' }]);
  });

  it('that can not be reached does not hold up who asks for ever, and is named', async () => {
    const running = await lasting('', ['-e', 'KEY=hasp://key', '--grace', '1ms']);
    const [name = ''] = readdirSync(path.join(box.home, 'run'));
    const file = path.join(box.home, 'run', name);
    const foreign = box.clone();
    const state = JSON.parse(readFileSync(file, 'utf8')) as { wrapper: Record<string, unknown> };
    const elsewhere = { ...state, wrapper: { ...state.wrapper, pidNamespace: '1' } };
    writeFileSync(path.join(foreign.home, 'run', name), JSON.stringify(elsewhere), { mode: 0o600 });
    const { status, stderr, ms } = await foreign.run(['revoke', '--all']);
    expect(status).toBe(1);
    expect(stderr.toString()).toMatch(
      new RegExp(`^hasp: 1 of 1 runs did not end \\(wrapper ${running.pid}\\)\\n  → .*kill -9 ${running.pid}`),
    );
    expect(ms).toBeLessThan(25_000);
    foreign.remove();
    await box.ok(['revoke', '--all']);
    await running.ended;
  });

  it('that slept over its ttl is woken by the next hasp', async () => {
    const running = await lasting('', [...DELIVERED, '--ttl', '2s']);
    signalJob(running, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await box.ok(['secret', 'list']);
    expect((await running.ended).signal).not.toBe('SIGSTOP');
    expect(await ends()).toMatchObject([{ endReason: 'ttl' }, { endReason: 'ttl' }]);
  });
});

it('a request that nobody took back is gone with the next hasp', async () => {
  await box.ok(['run', ...DELIVERED, '--', 'true']);
  for (const reason of ['revoked', 'rotated'])
    writeFileSync(path.join(box.home, 'run', `0123456789abcdef.${reason}`), '');
  await box.ok(['secret', 'list']);
  expect(readdirSync(path.join(box.home, 'run'))).toEqual([]);
});
