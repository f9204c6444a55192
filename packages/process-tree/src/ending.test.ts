import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until, Workshop } from '../../../test/programs/workshop.ts';
import { endProcesses, sendTo } from './ending.ts';
import { identityOf, isAlive, selfIdentity } from './identity.ts';
import { findMarked } from './marked.ts';
import { descendantsOf, readStat } from './proc.ts';

describe('ending processes that are not our children', { timeout: 30_000 }, () => {
  const started: ChildProcess[] = [];
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  async function start(line: string, environment: NodeJS.ProcessEnv = {}) {
    const child = spawn('bash', ['-c', `${line}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    });
    started.push(child);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const identity = identityOf(child.pid ?? 0);
    if (!identity) throw new Error('not started');
    return identity;
  }

  it('ends them and their descendants by TERM', async () => {
    const identity = await start('sleep 61 & echo; sleep 62; :');
    await until(() => descendantsOf(identity.pid).filter(({ name }) => name === 'sleep').length === 2);
    const family = [identity, ...descendantsOf(identity.pid).map(({ pid }) => identityOf(pid))];
    const survivors = await endProcesses([identity], 2_000);
    expect(survivors.map(({ outcome }) => outcome)).toEqual(['terminated', 'terminated', 'terminated']);
    expect(survivors.map(({ command }) => command).sort()).toEqual(['bash', 'sleep', 'sleep']);
    expect(family.map((one) => one && isAlive(one))).toEqual([false, false, false]);
  });

  it('kills at once without a grace, and after the grace what does not take TERM', async () => {
    const deaf = 'trap "" TERM; echo; while :; do sleep 60; done';
    expect(await endProcesses([await start(deaf)], 0)).toContainEqual(expect.objectContaining({ outcome: 'killed' }));
    const identity = await start(deaf);
    expect(await endProcesses([identity], 100)).toContainEqual(
      expect.objectContaining({ pid: identity.pid, outcome: 'killed' }),
    );
    expect(isAlive(identity)).toBe(false);
  });

  it('never signals a reused pid, another boot, or a pid of another namespace', async () => {
    const identity = await start('echo; sleep 60');
    const strangers = [
      { ...identity, startTime: String(Number(identity.startTime) - 1) },
      { ...identity, bootId: 'another' },
      { ...identity, pidNamespace: '1' },
    ];
    expect(strangers.map((stranger) => sendTo(stranger, 9))).toEqual(['gone', 'gone', 'gone']);
    expect(await endProcesses(strangers, 0)).toEqual([]);
    expect(strangers.map(isAlive)).toEqual([false, false, 'elsewhere']);
    expect(isAlive(identity)).toBe(true);
    expect(isAlive(selfIdentity())).toBe(true);
  });

  it('finds what a run left by its mark, orphans included', async () => {
    const run = randomBytes(8).toString('hex');
    const binary = workshop.compile('double-fork');
    const shell = await start(`${binary}; echo; sleep 60`, { HASP_GRANT: run });
    // The last of its forks neither leads its session nor is in the shell's.
    const orphan = await until(() =>
      workshop.running(binary).find((pid) => ![pid, readStat(shell.pid)?.session].includes(readStat(pid)?.session)),
    );
    const marked = findMarked(`HASP_GRANT=${run}`);
    expect(marked.map(({ pid }) => pid)).toContain(orphan);
    expect(findMarked(`HASP_GRANT=${run.slice(1)}`)).toEqual([]);
    await endProcesses(marked, 0);
    expect(workshop.running(binary)).toEqual([]);
  });
});
