import type { ProcessIdentity } from '@hasp/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workshop } from '../../../test/programs/workshop.ts';
import { isAlive } from './identity.ts';

describe('the tree of a command', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());

  it.each([
    ['double-fork', 'with a session of its own'],
    ['double-fork bare', 'with neither environment nor descriptors'],
    ['stopped-child', 'that has stopped itself'],
    ['leader-exits', 'whose first thread has ended'],
    ['sibling', 'that made itself a sibling'],
    ['refork', 'that forks anew every 5 ms and ignores TERM'],
  ])('%s: no descendant %s outlives the wrapper', async (program) => {
    const [name = '', ...args] = program.split(' ');
    const binary = workshop.compile(name);
    const outcome = await workshop.supervise([binary, ...args], { graceMs: 300 });
    expect(outcome).toMatchObject({ code: 0, end: { cause: 'exited' } });
    expect(outcome.end?.survivors.length).toBeGreaterThan(0);
    expect(workshop.running(binary)).toEqual([]);
  });

  it('prints a hostile process name harmlessly', async () => {
    const binary = workshop.compile('hostile-name');
    const outcome = await workshop.supervise([binary]);
    expect(outcome.end?.survivors).toMatchObject([{ command: 'a) R 1 1??[1 0', outcome: 'terminated' }]);
    expect(workshop.running(binary)).toEqual([]);
  });

  it('of 200 children and 200 orphans leaves no zombie and takes no exit code', async () => {
    const outcome = await workshop.supervise([workshop.compile('many-children'), '200'], { stragglers: 'wait' });
    expect(outcome).toMatchObject({ code: 42, end: { exit: { code: 42 }, survivors: [] } });
  });

  it('is killed after the grace where it does not take TERM', async () => {
    const outcome = await workshop.supervise(['bash', '-c', 'trap "" TERM; (while :; do sleep 9; done) & exit 4'], {
      graceMs: 100,
    });
    expect(outcome.code).toBe(4);
    expect(outcome.end?.survivors).toContainEqual(expect.objectContaining({ command: 'bash', outcome: 'killed' }));
  });

  it('is waited for where the policy is wait', async () => {
    const outcome = await workshop.supervise(['sh', '-c', '(sleep 0.3; echo late) & exit 6'], {
      stragglers: 'wait',
      redact: 'both',
    });
    expect(outcome).toMatchObject({ code: 6, end: { survivors: [] } });
    expect(outcome.stdout.toString()).toBe('late\n');
  });

  it('is named and left where the policy is leave', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'exec 1>&- 2>&-; sleep 30 & sleep 0.2; exit 6'], {
      stragglers: 'leave',
    });
    const [survivor] = outcome.end?.survivors ?? [];
    expect(outcome.code).toBe(6);
    expect(survivor).toMatchObject({ command: 'sleep', outcome: 'left' });
    process.kill(survivor?.pid ?? 0, 'SIGKILL');
  });

  it('ends at its ttl, the command included', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'setsid sleep 50 & sleep 51'], { ttlMs: 300 });
    expect(outcome.end).toMatchObject({ cause: 'ttl', exit: { signal: 'SIGTERM' } });
    expect(outcome.end?.survivors.map(({ command }) => command)).toContain('sleep');
  });

  it('says so five minutes before its ttl', async () => {
    const outcome = await workshop.supervise(['sleep', '0.6'], { ttlMs: 300_200 });
    expect(outcome.stderr).toMatch(/^the grants of this run end in 5m, and with them its processes\n$/);
  });

  it('ends when it is revoked, also while it is waited for', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'sleep 50 & exit 0'], {
      stragglers: 'wait',
      revokeAfterMs: 300,
    });
    expect(outcome.end).toMatchObject({ cause: 'revoked', exit: { code: 0 }, survivors: [{ outcome: 'terminated' }] });
  });

  it('does not hold what a shell had in the background before it execed hasp', async () => {
    const line = 'sleep 20 >/dev/null 2>&1 & echo $!; exec "$HASP" cat <(sleep 0.2; echo substituted)';
    const outcome = await workshop.sh(line);
    const [pid, text] = outcome.stdout.toString().split('\n');
    expect(text).toBe('substituted');
    expect(process.kill(Number(pid), 0)).toBe(true);
    process.kill(Number(pid), 'SIGKILL');
  });

  it('is told of while it lives: identities of all members', async () => {
    const outcome = await workshop.supervise(['sh', '-c', '(sleep 0.6 & sleep 0.5 &) ; true; sleep 0.4'], {
      stragglers: 'wait',
    });
    const sizes = outcome.entries.flatMap(({ members }) => (Array.isArray(members) ? [members.length] : []));
    expect(Math.max(...sizes)).toBe(2);
  });

  it('is ended when its members can not be noted', async () => {
    const outcome = await workshop.supervise(['sh', '-c', '(sleep 50 &); exec sleep 51'], {
      failNotes: true,
      graceMs: 100,
    });
    expect(outcome).toMatchObject({ code: 1, stderr: 'not noted\n', end: undefined });
    const spawned = outcome.entries.find((entry) => 'spawned' in entry)?.['spawned'];
    expect(isAlive(spawned as ProcessIdentity)).toBe(false);
  });

  it('lets readers see that a command has closed its output', async () => {
    const outcome = await workshop.sh(
      'exec 3>&1; "$HASP" sh -c "exec 1>&- 3>&-; sleep 0.5; exit 1" | (cat; date +%s%N >&3); date +%s%N',
      {},
    );
    const [closed, ended] = outcome.stdout.toString().trim().split('\n').map(Number);
    expect((ended ?? 0) - (closed ?? 0)).toBeGreaterThan(100e6);
  });
});
