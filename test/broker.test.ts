import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HASP, isLiving, type Running, Sandbox, until } from './support/sandbox.ts';

const TOKEN = 'correct-horse-battery';
const RUN = ['run', '-e', 'TOKEN=hasp://token'];

interface Status {
  readonly pid: number;
  readonly isUnlocked: boolean;
  readonly runs: number;
  readonly httpPort: number | null;
}

let box: Sandbox;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ token: TOKEN });
});
afterEach(async () => {
  await box.run(['broker', 'stop']);
  box.remove();
});

const status = (): Promise<Status> => box.json<Status>(['broker', 'status']);
const place = (name: string): string => path.join(box.home, name);
const ends = async (): Promise<readonly string[]> =>
  (await box.log('--type', 'grant.ended')).map((record) => String(record['endReason']));

/** A wrapper with this script as its command, which has said that it lives. */
async function live(script = 'echo live; exec sleep 600'): Promise<Running> {
  const running = box.start([...RUN, '--', 'sh', '-c', script]);
  await running.printed('live');
  return running;
}

describe('a run through an unlocked broker', () => {
  beforeEach(() => box.ok(['unlock']));

  it('gets what it was granted by every delivery, and leaves nothing', async () => {
    const script = 'printf %s "$TOKEN" | wc -c; wc -c <"$FILE"; wc -c; echo "$TOKEN"';
    const argv = [...RUN, '--file', 'FILE=hasp://token', '--stdin', 'hasp://token', '--', 'sh', '-c', script];
    const size = String(TOKEN.length);
    expect((await box.ok(argv)).split('\n').map((line) => line.trim())).toEqual([size, size, size, '[hasp:token]', '']);
    expect(await ends()).toEqual(['exited', 'exited', 'exited']);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('needs no key, once there is a broker', async () => {
    const outcome = await box.run([...RUN, '--', 'sh', '-c', 'exit 7'], { env: { HASP_KEY_FILE: '/nowhere' } });
    expect([outcome.status, outcome.stderr.toString()]).toEqual([7, '']);
  });

  it('is granted to the wrapper that the kernel names', async () => {
    const running = await live();
    const [issued] = await box.log('--type', 'grant.issued');
    expect(issued).toMatchObject({ secret: 'token', wrapper: { pid: running.pid } });
    expect(await status()).toMatchObject({ isUnlocked: true, runs: 1 });
    process.kill(running.pid, 'SIGTERM');
    await running.ended;
    expect(await status()).toMatchObject({ runs: 0 });
  });

  it('lets members of its tree fetch, and nobody else', async () => {
    const script = `"${HASP}" get token | wc -c; echo $HASP_SOCKET >socket; echo live; exec sleep 600`;
    const running = box.start(['run', '--ask', 'token', '--', 'sh', '-c', script]);
    await running.printed('live');
    expect(await box.log('--type', 'grant.delivered')).toMatchObject([{ secret: 'token' }]);
    const socket = readFileSync(path.join(box.cwd, 'socket'), 'utf8').trim();
    expect(await box.run(['get', 'token'], { env: { HASP_SOCKET: socket } })).toMatchObject({ status: 3 });
    process.kill(running.pid, 'SIGTERM');
    await running.ended;
    expect(existsSync(socket)).toBe(false);
  });

  it('whose wrapper is killed is ended at once, without another hasp', async () => {
    const running = await live('setsid sh -c "echo live; exec sleep 600" & exec sleep 600');
    const grants = await box.json<{ grants: { tree: { pid: number }[] }[] }>(['grants']);
    const members = grants.grants.flatMap(({ tree }) => tree.map(({ pid }) => pid));
    expect(members.length).toBeGreaterThan(1);
    process.kill(running.pid, 'SIGKILL');
    await until('all have ended', () => members.every((pid) => !isLiving(pid)));
    await until('the end is on record', () => readFileSync(place('audit.jsonl'), 'utf8').includes('"wrapper-lost"'));
    expect(await ends()).toEqual(['wrapper-lost']);
  });

  it('can be revoked', async () => {
    const running = await live();
    await box.ok(['revoke', '--all']);
    await running.ended;
    expect(await ends()).toEqual(['revoked']);
  });

  it('goes on when the broker is stopped or killed, and records its own end', async () => {
    const running = box.start([...RUN, '--', 'sh', '-c', 'echo live; read line; exit 5'], { openStdin: true });
    await running.printed('live');
    process.kill((await status()).pid, 'SIGKILL');
    running.child.stdin?.end('\n');
    expect(await running.ended).toMatchObject({ status: 5 });
    expect(await ends()).toEqual(['exited']);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('is refused what the vault has not, in the words that a run without a broker has', async () => {
    const outcome = await box.run(['run', '-e', 'X=hasp://missing', '--', 'true']);
    expect(outcome).toMatchObject({ status: 125 });
    expect(outcome.stderr.toString()).toContain('missing');
    expect((await box.log('--type', 'grant.denied')).length).toBe(1);
  });
});

describe('the key', () => {
  it('is gone with `lock`, and a broker that only held it ends', async () => {
    await box.ok(['unlock']);
    const { pid } = await status();
    await box.ok(['lock']);
    await until('the broker has ended', () => !isLiving(pid));
    expect(['broker.sock', 'broker.json', 'broker.token'].filter((name) => existsSync(place(name)))).toEqual([]);
  });

  it('is gone after so long without use', async () => {
    await box.ok(['unlock', '--ttl', '300ms']);
    await until('the broker has ended', () => !existsSync(place('broker.sock')));
    expect((await box.log('--type', 'vault.locked')).map((record) => record['why'])).toEqual(['idle']);
  });

  it('that is wrong unlocks nothing, is recorded, and leaves no broker', async () => {
    const wrong = box.write('wrong.key', Buffer.alloc(32, 7), 0o600);
    expect(await box.run(['unlock', '--key-file', wrong])).toMatchObject({ status: 3 });
    expect(existsSync(place('broker.sock'))).toBe(false);
    expect((await box.log('--type', 'auth.failed')).length).toBe(1);
  });
});

describe('the broker', () => {
  it('that is started twice at once runs once, and the other says so', async () => {
    const starts = await Promise.all(
      Array.from({ length: 6 }, () => box.run(['broker', 'start', '--detach', '--port', '0'])),
    );
    expect(starts.map((outcome) => outcome.status).sort()).toEqual([0, 2, 2, 2, 2, 2]);
    expect((await status()).isUnlocked).toBe(true);
  });

  it('takes the place of one that was killed, whatever that left', async () => {
    await box.ok(['broker', 'start', '--detach', '--port', '0']);
    process.kill((await status()).pid, 'SIGKILL');
    expect(await box.run(['broker', 'status'])).toMatchObject({ status: 5 });
    writeFileSync(place('broker.json'), JSON.stringify({ pid: process.pid }));
    await box.ok(['broker', 'start', '--detach', '--port', '0']);
    expect((await status()).pid).not.toBe(process.pid);
  });

  it('reads its policy again at a hang-up, and goes on', async () => {
    const running = box.start(['broker', 'start', '--port', '0']);
    await running.printed('Vault: unlocked');
    const rules = [{ id: 'all', effect: 'allow', agentSelector: '*', credentialSelector: '*' }];
    writeFileSync(place('policy.json'), JSON.stringify({ version: 1, rules }), { mode: 0o600 });
    process.kill(running.pid, 'SIGHUP');
    await until(
      'there is a rule',
      async () => (await box.json<{ policyCount: number }>(['broker', 'status'])).policyCount === 1,
    );
    process.kill(running.pid, 'SIGTERM');
    expect(await running.ended).toMatchObject({ status: 0 });
  });

  it('ends the tree of a run whose time is over and whose wrapper was stopped', async () => {
    await box.ok(['unlock']);
    const running = box.start([
      ...RUN.slice(0, 1),
      '--ttl',
      '1s',
      ...RUN.slice(1),
      '--',
      'sh',
      '-c',
      'kill -STOP $PPID; sleep 600',
    ]);
    expect((await running.ended).signal).toBe('SIGTERM');
    expect(await ends()).toEqual(['ttl']);
  });

  it('stays in the foreground, prints where it is, and leaves nothing when it is ended', async () => {
    const running = box.start(['broker', 'start', '--port', '0']);
    await running.printed('Vault: unlocked');
    for (const name of ['broker.sock', 'broker.json', 'broker.token']) {
      expect(statSync(place(name)).mode & 0o777).toBe(0o600);
    }
    process.kill(running.pid, 'SIGTERM');
    const outcome = await running.ended;
    expect(outcome).toMatchObject({ status: 0 });
    expect(outcome.stdout.toString()).toMatch(
      /^Broker is running\.\nPID: \d+\nHTTP port: \d+\nSocket: .*broker\.sock\n/,
    );
    expect(['broker.sock', 'broker.json', 'broker.token'].filter((name) => existsSync(place(name)))).toEqual([]);
  });

  it('is not started on a port that is taken, and leaves nothing', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    expect(await box.run(['broker', 'start', '--port', String(port)])).toMatchObject({ status: 2 });
    expect(existsSync(place('broker.sock'))).toBe(false);
    other.close();
  });

  it('serves 20 runs that come at once', async () => {
    await box.ok(['unlock']);
    const runs = await Promise.all(Array.from({ length: 20 }, () => box.run([...RUN, '--', 'true'])));
    expect(runs.map((outcome) => outcome.status)).toEqual(Array.from({ length: 20 }, () => 0));
    expect((await ends()).length).toBe(20);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });
});
