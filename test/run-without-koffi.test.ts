import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appWithoutKoffi } from './support/asking.ts';
import { isLiving, Sandbox, until } from './support/sandbox.ts';

const VALUE = 'value-without-koffi';
const GRANT = ['-e', 'KEY=hasp://api/key'];

describe('hasp where koffi is not installed', { timeout: 60_000 }, () => {
  let box: Sandbox;
  let app: string;
  beforeAll(async () => {
    box = await Sandbox.withSecrets({ 'api/key': VALUE });
    app = appWithoutKoffi(box);
  });
  afterAll(() => box.remove());

  const run = (...argv: string[]) => box.other([app, 'run', ...argv]);
  const lastEnd = async () => (await box.log('--type', 'grant.ended')).at(-1);

  it('grants, masks output and ends like the command', async () => {
    const outcome = await run(...GRANT, '--', 'sh', '-c', 'echo "key: $KEY"; echo "$KEY" >&2; exit 7');
    expect(outcome.status).toBe(7);
    expect(outcome.stdout.toString()).toMatch(/^key: /);
    expect(`${outcome.stdout}${outcome.stderr}`).not.toContain(VALUE);
    expect(await lastEnd()).toMatchObject({ endReason: 'exited', exitCode: 7, clean: true });
    expect((await run(...GRANT, '--', 'sh', '-c', 'kill -TERM $$')).signal).toBe('SIGTERM');
    expect((await run(...GRANT, '--', 'no-such-command')).status).toBe(127);
  });

  it('delivers files and input', async () => {
    const script = 'cat; cat "$FILE"';
    const outcome = await run(
      ...['--stdin', 'hasp://api/key', '--file', 'FILE=hasp://api/key', '--redact', 'never', '--', 'sh', '-c', script],
    );
    expect([outcome.status, outcome.stdout.toString()]).toEqual([0, VALUE + VALUE]);
  });

  it('says in record and doctor which promise holds', async () => {
    expect((await box.log('--type', 'grant.issued')).map(({ tracking }) => tracking)).not.toContain('full');
    const doctor = await box.other([app, 'doctor', '--json']);
    const { checks } = JSON.parse(doctor.stdout.toString()) as { checks: { name: string; detail: string }[] };
    expect(checks.find(({ name }) => name === 'tracking')?.detail).toMatch(/^best effort: /);
  });

  it('ends a detached process by its mark', async () => {
    const outcome = await run(...GRANT, '--', 'sh', '-c', '(setsid sleep 300 >/dev/null 2>&1 &) ; sleep 0.2; exit 0');
    expect(outcome.status).toBe(0);
    expect(outcome.stderr.toString()).toMatch(/left 1 process running with KEY: sleep \(\d+\), terminated/);
    const end = await lastEnd();
    expect(end).toMatchObject({ clean: false, survivors: [{ command: 'sleep', outcome: 'terminated' }] });
    const pid = Number(/sleep \((\d+)\)/.exec(outcome.stderr.toString())?.[1]);
    expect(isLiving(pid)).toBe(false);
  });

  it('ends the tree when its grants are revoked', async () => {
    const script = '(setsid sleep 300 >/dev/null 2>&1 &); echo ready; sleep 301';
    const running = box.startOther([app, 'run', ...GRANT, '--', 'sh', '-c', script]);
    await running.printed('ready');
    expect((await box.other([app, 'revoke', '--all'])).status).toBe(0);
    await running.ended;
    expect(await lastEnd()).toMatchObject({ endReason: 'revoked' });
  });

  it('is followed by the next hasp, with koffi or without, when it was killed', async () => {
    const running = box.startOther([app, 'run', ...GRANT, '--', 'sh', '-c', 'echo $$; sleep 302']);
    await running.printed('\n');
    const child = await until('the command is known', async () => {
      const { grants } = await box.json<{ grants: { root?: { pid: number } }[] }>(['grants']);
      return grants[0]?.root?.pid;
    });
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
    expect((await box.other([app, 'secret', 'list'])).status).toBe(0);
    await until('the command is gone', () => !isLiving(child));
    expect(await lastEnd()).toMatchObject({
      endReason: 'wrapper-lost',
      survivors: [{ pid: child, outcome: 'killed' }, {}],
    });
  });

  it('refuses to be asked', async () => {
    const refused = await run('--ask', 'api/key', '--json', '--', 'true');
    expect(refused.status).toBe(125);
    expect(refused.stderr.toString()).toContain('E_PEER_UNKNOWN');
  });
});
