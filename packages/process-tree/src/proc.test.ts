import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, Workshop } from '../../../test/programs/workshop.ts';
import { describeProcess } from './describe-process.ts';
import { childrenOf, descendantsOf, isDead, printableName, readStat } from './proc.ts';

describe('what /proc says', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());

  it('is read past a name that looks like the fields after it', async () => {
    const binary = workshop.compile('hostile-name');
    spawn(binary);
    const pid = await until(() => workshop.running(binary).find((one) => readStat(one)?.name.startsWith('a)')));
    expect(readStat(pid)).toMatchObject({ pid, name: 'a) R 1 1\n\x1b[1 0', state: 'S' });
    expect(describeProcess(pid)).toBe('a) R 1 1??[1 0');
    process.kill(pid, 'SIGKILL');
  });

  it('a process lives on without its first thread', async () => {
    const binary = workshop.compile('leader-exits');
    const child = spawn(binary);
    const pid = await until(() => childrenOf(child.pid ?? 0).find((one) => readStat(one)?.state === 'Z'));
    const stat = readStat(pid);
    expect(stat && isDead(stat)).toBe(false);
    expect(descendantsOf(child.pid ?? 0).map((one) => one.pid)).toEqual([pid]);
    process.kill(pid, 'SIGKILL');
  });

  it('of a process that is not there is nothing', () => {
    expect(readStat(4_194_305)).toBeUndefined();
    expect(describeProcess(4_194_305)).toBe('?');
    expect(descendantsOf(4_194_305)).toEqual([]);
  });

  it('a name is printed without anything that acts on a terminal, in at most 64 characters', () => {
    expect(printableName('a\u001b[31m\u202eb\u2028\u0085')).toBe('a?[31m?b??');
    expect(printableName('ü'.repeat(100))).toBe('ü'.repeat(64));
  });
});
