import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';
import { startArgv } from './support/sessions.ts';

let box: Sandbox;
beforeEach(async () => {
  box = await Sandbox.withSecrets({ a: 'value-of-a' });
  return () => box.remove();
});

describe('a secret that was renamed', () => {
  it.each([
    ['removed', ['secret', 'rm', 'c'], undefined],
    ['rotated', ['secret', 'rotate', 'c'], 'another-value'],
  ])(
    'ends, once it is %s, what was granted by its earlier names, and nothing of another that has them now',
    async (_, argv, stdin) => {
      const first = box.start(['run', '-e', 'X=hasp://a', '--', 'sh', '-c', 'touch first; sleep 60']);
      await until('it runs', () => readdirSync(box.cwd).includes('first'));
      await box.ok(['secret', 'rename', 'a', 'b']);
      await box.ok(['secret', 'rename', 'b', 'c']);
      await box.set('a', 'a-value-of-its-own');
      const second = box.start(['run', '-e', 'X=hasp://a', '--', 'sh', '-c', 'touch second; sleep 60']);
      await until('it runs', () => readdirSync(box.cwd).includes('second'));
      const { stdout, status } = await box.run([...argv, '--json'], stdin === undefined ? {} : { stdin });
      expect([status, JSON.parse(stdout.toString()).endedGrants.length]).toEqual([0, 1]);
      expect(await first.ended).toMatchObject({ signal: 'SIGTERM' });
      expect(await box.json(['grants'])).toMatchObject({ grants: [{ secret: 'a' }] });
      await box.ok(['revoke', '--all']);
      await second.ended;
    },
  );
});

describe('with a broker', () => {
  let port: number;
  let pid: number;
  beforeEach(async () => {
    const rule = { id: 'r', effect: 'ask', agentSelector: '*', credentialSelector: '*' };
    writeFileSync(path.join(box.home, 'policy.json'), JSON.stringify({ version: 1, rules: [rule] }), { mode: 0o600 });
    const start = `exec 77</etc/passwd 200</etc/passwd; exec "$0" broker start --detach --port 0 --json`;
    const { stdout } = await box.other(['bash', '-c', start, HASP]);
    ({ httpPort: port, pid } = JSON.parse(stdout.toString()));
    return () => box.run(['broker', 'stop']);
  });

  const ownerToken = (): string => readFileSync(path.join(box.home, 'broker.token'), 'utf8');
  const waiting = async () => (await box.json<{ requests: unknown[] }>(['approve'])).requests.length;

  async function asked(token: string): Promise<{ status: number; headers: Headers; body: string }> {
    const answer = await fetch(`http://127.0.0.1:${port}/resolve`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"agentId":"asker","credentialName":"a"}',
    });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  }

  it('it keeps none of the descriptors of who started it', () => {
    const kept = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(kept).not.toContain('/etc/passwd');
  });

  it.each([['asker'], ['--all']])('what waits for a yes gets a no from hasp revoke %s', async (which) => {
    const answer = asked((await box.ok(['agent', 'add', 'asker'])).trim());
    await until('it waits', async () => (await waiting()) === 1);
    expect(await box.json(['revoke', which])).toEqual({ revoked: [], sessions: [], withdrawn: 1 });
    expect((await answer).status).toBe(403);
    expect(await waiting()).toBe(0);
  });

  it.each(['broker stop', 'TERM'])('what waits for a yes is told so when the broker ends by %s', async (how) => {
    const answers = Promise.all([asked(ownerToken()), asked(ownerToken())]);
    const run = box.start(startArgv('asker', 'hasp run -e A=hasp://a -- true; echo $?'));
    await until('they wait', async () => (await waiting()) === 3);
    if (how === 'TERM') process.kill(pid, 'SIGTERM');
    else await box.ok(['broker', 'stop']);
    for (const { status, headers, body } of await answers) {
      expect([status, headers.get('retry-after'), headers.get('cache-control')]).toEqual([503, '1', 'no-store']);
      expect(JSON.parse(body)).toMatchObject({ code: 'E_BROKER_UNREACHABLE' });
    }
    const { stdout, stderr } = await run.ended;
    expect([stdout.toString(), stderr.toString()]).toEqual(['125\n', expect.stringContaining('the broker stops')]);
    await until('it has ended', () => !isLiving(pid));
    expect(await box.log('--type', 'grant.issued')).toEqual([]);
  });

  it('what waited for a yes while the broker was locked is 503, and no value', async () => {
    const answer = asked(ownerToken());
    await until('it waits', async () => (await waiting()) === 1);
    const [request] = (await box.json<{ requests: { id: string }[] }>(['approve'])).requests;
    await box.ok(['lock']);
    await box.ok(['approve', request?.id ?? '']);
    expect(await answer).toMatchObject({ status: 503, body: expect.stringContaining('E_VAULT_LOCKED') });
    expect(await box.log('--type', 'grant.issued')).toEqual([]);
  });
});
