import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLiving, type Running, Sandbox, until } from './support/sandbox.ts';
import { endReasons, inSession, liveSession, place, sessions, startArgv } from './support/sessions.ts';
import { livingIn } from './support/witnesses.ts';

// What holds a grant, and what only sits there having got away from its parents.
const HOLDS = 'hasp run -e URL=hasp://db/test -- sh -c "echo live; exec sleep 600"';
const ESCAPED = '(setsid env -i sleep 600 <&- >&- 2>&- &)';
const rule = (agentSelector: string, credentialSelector: string) => ({
  id: `${agentSelector}-${credentialSelector}`,
  effect: 'allow',
  agentSelector,
  credentialSelector,
});

let box: Sandbox;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ 'db/test': 'correct-horse-battery', 'db/prod': 'another-value-entirely' });
  const rules = [rule('claude', 'db/test'), rule('other', 'db/prod')];
  writeFileSync(place(box, 'policy.json'), JSON.stringify({ version: 1, rules }), { mode: 0o600 });
  await box.ok(['unlock']);
});
afterEach(async () => {
  await box.run(['revoke', '--all']);
  await until('nobody is left', () => livingIn(box.cwd).length === 0);
  await box.run(['broker', 'stop']);
  box.remove();
});

const brokerPid = async (): Promise<number> => (await box.json<{ pid: number }>(['broker', 'status'])).pid;
const logged = (text: string): boolean => readFileSync(place(box, 'audit.jsonl'), 'utf8').includes(text);
const nobodyLeft = () => until('nobody is left', () => livingIn(box.cwd).length === 0);

describe('a session ends with its runs and its whole tree', () => {
  it.each([
    ['session end', (id: string) => ['session', 'end', id], 'session-ended', 'session-ended'],
    ['revoke SESSION', (id: string) => ['revoke', id], 'revoked', 'session-ended'],
    ['revoke AGENT', () => ['revoke', 'claude'], 'agent-revoked', 'agent-revoked'],
    ['revoke --all', () => ['revoke', '--all'], 'revoked', 'revoked'],
  ] as const)('by hasp %s', async (_name, argv, ofSession, ofGrants) => {
    const running = await liveSession(box, 'claude', `${ESCAPED}; ${HOLDS}`);
    const [session] = await sessions(box);
    expect(session?.grants).toHaveLength(1);
    const said = await box.json(argv(session?.id ?? ''));
    expect(said).toEqual(
      argv('')[0] === 'revoke'
        ? { revoked: session?.grants, sessions: [session?.id], withdrawn: 0 }
        : { ended: [session?.id], grants: session?.grants },
    );
    // Its wrapper has recorded the end, and goes.
    await running.ended;
    expect(livingIn(box.cwd)).toEqual([]);
    expect(await endReasons(box, 'session.ended')).toEqual([ofSession]);
    expect(await endReasons(box, 'grant.ended')).toEqual([ofGrants]);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('by its ttl, though the agent has stopped what minds it', async () => {
    const late = 'hasp run -e URL=hasp://db/test -- sh -c "echo got it"';
    const running = box.start(startArgv('claude', `kill -STOP $PPID; sleep 4; ${late}; sleep 600`, '--ttl', '2s'));
    const outcome = await running.ended;
    expect(outcome.stdout.toString()).not.toContain('got it');
    expect(await endReasons(box, 'session.ended')).toEqual(['ttl']);
    expect(await box.log('--type', 'grant.issued')).toEqual([]);
    await nobodyLeft();
  });

  it('never after the session that it was begun in', async () => {
    const inner = 'hasp session start --agent claude --ttl 24h -- sh -c "echo live; exec sleep 600"';
    const running = box.start(startArgv('claude', inner, '--ttl', '4s'));
    await running.printed('live');
    const [outer, nested] = await box.log('--type', 'session.started');
    expect(nested?.['expiresAt']).toBe(outer?.['expiresAt']);
    await running.ended;
    await nobodyLeft();
  });

  it('by its ttl', async () => {
    const running = box.start(startArgv('claude', `${ESCAPED}; ${HOLDS}`, '--ttl', '3s'));
    await running.printed('live');
    await running.ended;
    expect(await endReasons(box, 'session.ended')).toEqual(['ttl']);
    // A run in it has no longer ttl than the session: either may be seen first.
    expect(['session-ended', 'ttl']).toEqual(expect.arrayContaining(await endReasons(box, 'grant.ended')));
    expect(await box.log('--type', 'grant.ended')).toHaveLength(1);
  });

  it('by the end of its command', async () => {
    await inSession(box, 'claude', `${ESCAPED}; ${HOLDS} & while ! hasp grants --json | grep -q db/test; do :; done`);
    expect(await endReasons(box, 'session.ended')).toEqual(['exited']);
    expect(await endReasons(box, 'grant.ended')).toEqual(['session-ended']);
  });

  it('and nobody else’s', async () => {
    await liveSession(box, 'claude', HOLDS);
    const other = await liveSession(box, 'other', HOLDS.replace('db/test', 'db/prod'));
    await box.ok(['revoke', 'claude']);
    expect(await sessions(box)).toMatchObject([{ agent: 'other', wrapper: { pid: other.pid }, grants: [{}] }]);
    expect(await box.run(['revoke', 'claude'])).toMatchObject({ status: 4 });
  });

  it('within 100 ms of a revocation, also what takes no signal but KILL', async () => {
    const deaf = `sh -c 'trap "" TERM HUP INT; echo live; while :; do sleep 0.05; done'`;
    await liveSession(box, 'claude', `${deaf}`);
    const [session] = await sessions(box);
    const members = (await box.json<{ tree: { pid: number }[] }>(['session', 'show', session?.id ?? ''])).tree;
    const revoking = box.run(['revoke', 'claude']);
    // The broker makes the request when it is told; from then on it counts.
    const asked = await until('it is asked', () => isAsked(session?.id ?? '') && performance.now());
    await until('nobody lives', () => members.every(({ pid }) => !isLiving(pid)));
    // On a quiet machine it takes 50.
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(await revoking).toMatchObject({ status: 0 });
  });
});

function isAsked(session: string): boolean {
  return existsSync(place(box, `run/${session}.agent-revoked`)) || logged('"agent-revoked"');
}

/** Nobody tells of an orphan's coming, so its wrapper looks now and then: to this it came. */
async function lostSession(): Promise<Running & { readonly id: string }> {
  const running = await liveSession(box, 'claude', `${ESCAPED}; ${HOLDS}`);
  const [session] = await sessions(box);
  const id = session?.id ?? '';
  await until('its wrapper knows them all', () => {
    const { members } = JSON.parse(readFileSync(place(box, `run/${id}.session.json`), 'utf8'));
    const known = [running.pid, ...members.map(({ pid }: { pid: number }) => pid)];
    return livingIn(box.cwd).every((pid) => known.includes(pid));
  });
  return { ...running, id };
}

describe('a session whose wrapper is killed', () => {
  it('is ended by the broker at once, with its runs', async () => {
    const running = await lostSession();
    process.kill(running.pid, 'SIGKILL');
    await until('its end is on record', () => logged('"session.ended"') && logged('"grant.ended"'));
    await nobodyLeft();
    expect(await endReasons(box, 'session.ended')).toEqual(['wrapper-lost']);
    expect(await endReasons(box, 'grant.ended')).toEqual(['session-ended']);
    expect(await sessions(box)).toEqual([]);
  });

  it('also where somebody took its file away first', async () => {
    const running = await lostSession();
    rmSync(place(box, `run/${running.id}.session.json`));
    process.kill(running.pid, 'SIGKILL');
    await until('its end is on record', () => logged('"session.ended"'));
    await nobodyLeft();
  });

  it('without a broker is ended by the next hasp', async () => {
    const running = await lostSession();
    process.kill(await brokerPid(), 'SIGKILL');
    process.kill(running.pid, 'SIGKILL');
    const { stderr } = await box.run(['grants']);
    expect(stderr.toString()).toContain('a session of claude lost its wrapper and left processes');
    expect(livingIn(box.cwd)).toEqual([]);
    expect(await endReasons(box, 'session.ended')).toEqual(['wrapper-lost']);
    expect(await endReasons(box, 'grant.ended')).toEqual(['session-ended']);
  });
});

describe('a session whose broker is killed', () => {
  it('goes on, and is taken up by the next broker', async () => {
    const script = (name: string) => `until [ -e ${name} ]; do sleep 0.02; done`;
    const run = 'hasp run -e URL=hasp://db/test -- true; echo "run $?"';
    const other = await liveSession(
      box,
      'claude',
      `echo live; ${script('one')}; ${run}; echo first; ${script('two')}; ${run}; hasp secret rm db/test; echo "rm $?"; exit 5`,
    );
    process.kill(await brokerPid(), 'SIGKILL');
    rmSync(place(box, 'broker.sock'));
    box.write('one', '');
    await other.printed('first');
    await box.ok(['unlock']);
    box.write('two', '');
    const { status, stdout } = await other.ended;
    expect([status, stdout.toString()]).toEqual([5, 'live\nrun 125\nfirst\nrun 0\nrm 3\n']);
    expect((await endReasons(box, 'session.ended')).at(-1)).toBe('exited');
    expect(await box.log('--type', 'grant.issued')).toMatchObject([{ agent: 'claude' }]);
    expect(await sessions(box)).toEqual([]);
  });
});
