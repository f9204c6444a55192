import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/programs/workshop.ts';
import { childrenOf, readStat } from '../proc.ts';
import { identifyByPs, isAliveByPs, nameByPs, parseRows } from './ps.ts';
import { psTable } from './ps-table.ts';

describe('processes by ps alone', { timeout: 30_000 }, () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  const start = (...argv: string[]): number => {
    const [command = '', ...rest] = argv;
    const child = spawn(command, rest, { stdio: 'ignore' });
    started.push(child);
    return child.pid ?? 0;
  };

  it('reads what ps prints, names with spaces and processes without a terminal among them', () => {
    const lines = [
      '  PID  PGID TPGID STAT  STARTED UCOMM',
      '    7     7    12 Ss   Sun Nov 22 00:22:55 2026 bash',
      '   12    12    12 Z+   Tue Dec  1 09:02:03 2026 a) R 1',
      '  800     1     0 S    Thu Jan  1 00:00:01 1970 (launchd)',
      ' 4444  4444    -1 ?    never',
      '',
    ];
    expect(parseRows(lines.join('\n'))).toEqual([
      { pid: 7, group: 7, foregroundGroup: 12, isDead: false, startTime: '1795306975000000', name: 'bash' },
      { pid: 12, group: 12, foregroundGroup: 12, isDead: true, startTime: '1796115723000000', name: 'a) R 1' },
      { pid: 800, group: 1, foregroundGroup: 0, isDead: false, startTime: '1000000', name: '(launchd)' },
    ]);
  });

  it('knows a live process by pid and start time, and not one of another start, boot or namespace', () => {
    const identity = identifyByPs(start('sleep', '60'));
    if (!identity) throw new Error('not shown');
    expect(isAliveByPs(identity)).toBe(true);
    const startTime = `${Number(identity.startTime) - 5_000_000}`;
    const others = [
      { ...identity, startTime },
      { ...identity, bootId: 'another' },
      { ...identity, pidNamespace: '1' },
    ];
    expect(others.map(isAliveByPs)).toEqual([false, false, 'elsewhere']);
    expect(nameByPs(identity.pid)).toBe('sleep');
    expect([identifyByPs(4_194_305), nameByPs(4_194_305)]).toEqual([undefined, '?']);
  });

  it('shows a dead child that nobody has reaped, and does not call it alive', async () => {
    const parent = start('sh', '-c', 'sleep 0 & exec sleep 60');
    const child = await until(() => childrenOf(parent).find((pid) => readStat(pid)?.state === 'Z'));
    const identity = identifyByPs(child);
    expect(identity).toMatchObject({ pid: child });
    expect(identity && isAliveByPs(identity)).toBe(false);
  });

  it('follows children and grandchildren, and forgets who has ended', async () => {
    const top = start('bash', '-c', '(sleep 60; :) & sleep 60; :');
    const identity = identifyByPs(top);
    if (!identity) throw new Error('not shown');
    const look = psTable.watch([identity], undefined);
    const family = await familyOfFour(look);
    expect(family.map(({ pid }) => nameByPs(pid)).sort()).toEqual(['bash', 'bash', 'sleep', 'sleep']);
    for (const { pid } of family) process.kill(pid, 'SIGKILL');
    const end = performance.now() + 10_000;
    let left = await look();
    while (left.length > 0 && performance.now() < end) left = await look();
    expect(left).toEqual([]);
  });
});

async function familyOfFour(look: () => Promise<readonly { readonly pid: number }[]>) {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    const family = await look();
    if (family.length === 4) return family;
  }
  throw new Error('never four');
}
