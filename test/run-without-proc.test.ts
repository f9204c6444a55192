import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayUnshare } from './support/asking.ts';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';

const SCRIPT = fileURLToPath(new URL('programs/without-proc.sh', import.meta.url));
const VALUE = 'value-without-proc';
const GRANT = ['-e', 'KEY=hasp://api/key'];

describe.runIf(mayUnshare)('hasp where there is no /proc', { timeout: 60_000 }, () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.withSecrets({ 'api/key': VALUE });
  });
  afterAll(() => box.remove());

  const start = (argv: readonly string[]) =>
    box.startOther([HASP, ...argv], { through: ['unshare', '--mount', 'sh', SCRIPT, box.root] });
  const run = (...argv: string[]) => start(['run', ...GRANT, '--', ...argv]).ended;
  const lastEnd = async () => (await box.log('--type', 'grant.ended')).at(-1);

  it('runs, masks, and ends like the command', async () => {
    const outcome = await run('sh', '-c', 'test ! -e /proc/self && echo "key: $KEY"; exit 7');
    expect([outcome.status, outcome.stdout.toString()]).toEqual([7, 'key: [hasp:api/key]\n']);
    expect(await lastEnd()).toMatchObject({ endReason: 'exited', exitCode: 7, clean: true });
    expect((await run('sh', '-c', 'kill -TERM $$')).signal).toBe('SIGTERM');
    expect((await box.log('--type', 'grant.issued')).map(({ tracking }) => tracking)).not.toContain('full');
  });

  it('ends a straggler that it has seen', async () => {
    await run('sh', '-c', 'sleep 303 & sleep 3');
    expect(await lastEnd()).toMatchObject({ survivors: [{ command: 'sleep', outcome: 'terminated' }] });
  });

  it('says so in doctor, and refuses to be asked', async () => {
    const doctor = await start(['doctor']).ended;
    expect(doctor.stdout.toString()).toMatch(/warning +tracking +best effort/);
    const refused = await start(['run', '--ask', 'api/key', '--json', '--', 'true']).ended;
    expect(refused.status).toBe(125);
    expect(refused.stderr.toString()).toContain('E_PEER_UNKNOWN');
  });

  it('ends what a killed wrapper left, and leaves a live one alone', async () => {
    const running = start(['run', ...GRANT, '--', 'sh', '-c', 'echo ready; exec sleep 304']);
    await running.printed('ready');
    const live = async () => {
      const { stdout } = await start(['grants', '--json']).ended;
      return (JSON.parse(stdout.toString()) as { grants: { root?: { pid: number } }[] }).grants[0]?.root?.pid;
    };
    const child = await until('the command is known', live);
    expect(await live()).toBe(child);
    // Everything before hasp became it by exec.
    process.kill(running.pid, 'SIGKILL');
    await until('the command is gone', async () => {
      await start(['secret', 'list']).ended;
      return !isLiving(child);
    });
    expect(await lastEnd()).toMatchObject({
      endReason: 'wrapper-lost',
      survivors: [{ pid: child, outcome: 'killed' }],
    });
  });
});
