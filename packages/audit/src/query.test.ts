import { rmSync } from 'node:fs';
import type { AuditEvent } from '@hasp/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Scratch, scratchLog, secretSet } from '../test/scratch.ts';
import { AuditLog } from './log.ts';
import { matchesFilter, queryRecords, type RecordFilter } from './query.ts';
import { holdsMark, readRecords, readRecordsSince } from './read.ts';

let log: Scratch;

beforeEach(() => {
  log = scratchLog();
});
afterEach(() => log.remove());

function issued(grant: string, secret: string, project: string): AuditEvent {
  return {
    type: 'grant.issued',
    run: 'r'.repeat(16),
    grant,
    secret,
    delivery: 'env',
    variable: 'X',
    project,
    command: ['npm', 'test'],
    cwd: '/',
    uid: 0,
    host: 'h',
    version: 1,
    scope: 'tree',
    rule: 'person-flags',
    expiresAt: '2026-11-22T14:03:07.123Z',
    stragglers: 'kill',
    wrapper: { pid: 1, startTime: '1', bootId: 'b', pidNamespace: 'n' },
    tracking: 'full',
  };
}

function ended(grant: string, secret: string): AuditEvent {
  const how = { clean: true, endReason: 'exited', exitCode: 0, durationMs: 5, survivors: [] } as const;
  return { type: 'grant.ended', run: 'r'.repeat(16), grant, secret, ...how };
}

function delivered(grant: string, secret: string): AuditEvent {
  const peer = { pid: 2, startTime: '2', command: 'sh' };
  return { type: 'grant.delivered', run: 'r'.repeat(16), grant, secret, version: 1, peer };
}

function seqs(filter: RecordFilter): unknown[] {
  return [...queryRecords(log.home, filter)].map(({ record }) => record['seq']);
}

describe('reading the log', () => {
  it('gives every record with its offset and line', () => {
    log.grow(3);
    const records = [...readRecords(log.home)];
    expect(records.map(({ line, record }) => [line, record['seq']])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    for (const { offset, record } of records) {
      expect(log.bytes().subarray(offset).toString('utf8')).toMatch(
        new RegExp(`^\\{"v":1,"seq":${String(record['seq'])},`),
      );
    }
  });

  it('can start where a record starts', () => {
    log.grow(3);
    const third = [...readRecords(log.home)][2];
    expect([...readRecords(log.home, third?.offset)].map(({ offset, record }) => [offset, record['seq']])[0]).toEqual([
      third?.offset,
      3,
    ]);
    expect([...readRecords(log.home, log.bytes().length)]).toEqual([]);
  });

  it('passes over a torn end, and bytes that are no record', () => {
    log.grow(1);
    log.litter('null\n7\n[]\n{}\n\n{"seq":');
    expect([...readRecords(log.home)].length).toBe(2);
  });

  it('passes over what was fenced, though it looks like a record or like a fence', () => {
    log.grow(1);
    const forged = (log.lines()[1] as string).replace('"seq":2', '"seq":3');
    log.litter(`${forged}\n{"v":1,"seq":4,"type":"audit.recovered","offset":0,"bytes":9}\n`);
    expect([...readRecords(log.home)].map(({ record }) => record['seq'])).toContain(1);
    log.grow(1);
    expect([...readRecords(log.home)].map(({ record }) => record['seq'])).toEqual([1, 2, 3, 4]);
  });

  it('streams a log longer than its buffer', () => {
    for (let i = 0; i < 10; i++) log.append([{ type: 'secret.set', secret: 'x'.repeat(60_000), version: i }]);
    expect([...readRecords(log.home)].length).toBe(11);
  });

  it('passes over a line longer than any record, in whatever pieces it is read', () => {
    for (const length of [65_000, 66_000, 262_143, 262_144, 262_145, 1_000_000]) {
      const before = [...readRecords(log.home)].length;
      log.litter(`${'x'.repeat(length)}\n`);
      log.grow(1);
      const records = [...readRecords(log.home)];
      expect(records.length).toBe(before + 2);
      const last = records.at(-1);
      expect(log.bytes().subarray(last?.offset).toString('utf8')).toContain(`"seq":${String(last?.record['seq'])},`);
    }
  });

  it('says when the log is missing', () => {
    rmSync(log.home.auditLog);
    expect(() => [...readRecords(log.home)]).toThrow(expect.objectContaining({ code: 'E_CHAIN_BROKEN' }));
  });
});

describe('reading the log from a time on', () => {
  /** Of each of 60 appends. */
  let times: number[];
  beforeEach(() => {
    for (let at = 0; at < 60; at++) log.append(Array.from({ length: 100 }, (_, version) => secretSet(version + 1)));
    times = [...new Set([...readRecords(log.home)].map(({ record }) => Date.parse(String(record['time']))))];
  });
  const sealedEnd = () => {
    const opened = AuditLog.open(log.home, Date.now);
    const { offset } = opened.head();
    opened.close();
    return offset;
  };
  const seqsSince = (time: number) =>
    [...readRecordsSince(log.home, time, sealedEnd())].map(({ record }) => Number(record['seq']));

  it('gives all that are as young, and does not begin far before them', () => {
    expect(log.bytes().length).toBeGreaterThan(4 * 262_144);
    for (const at of [1, 20, 40, 58, 60]) {
      const seqs = seqsSince(times[at] as number);
      const first = (at - 1) * 100 + 2;
      expect(seqs.at(-1)).toBe(6_001);
      expect(seqs.length).toBe(6_002 - (seqs[0] as number));
      expect(seqs[0]).toBeLessThan(first);
      if (at >= 58) expect(seqs[0]).toBeGreaterThan(4_000);
    }
    expect(seqsSince(Number.NEGATIVE_INFINITY).length).toBe(6_001);
    expect(seqsSince(Number.POSITIVE_INFINITY).length).toBeGreaterThan(0);
  });

  it('holds the record of a mark, however far back, and no other one of that number', () => {
    const { seq, mac } = log.mark;
    const other = mac.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    for (let at = 0; at < 6; at++) {
      const held = [holdsMark(log.home, log.mark, sealedEnd())];
      held.push(holdsMark(log.home, { ...log.mark, seq, mac }, sealedEnd()));
      expect(held).toEqual([true, true]);
      expect(holdsMark(log.home, { ...log.mark, seq, mac: other }, sealedEnd())).toBe(false);
      log.append(Array.from({ length: 100 * 4 ** at }, () => secretSet(1)));
    }
  });

  it('does not take for the record of a mark what was fenced', () => {
    const line = log.lines()[6_000] as string;
    const { seq, mac } = log.mark;
    log.overwrite(log.lines().slice(0, 5_990).join('\n').concat('\n'));
    log.litter(`${line}\n`);
    const at = log.bytes().length;
    const fence = { v: 1, seq: 5_991, type: 'audit.recovered', offset: at - line.length - 1, bytes: line.length + 1 };
    log.litter(`${JSON.stringify(fence)}\n${'x'.repeat(80)}\n`);
    expect(holdsMark(log.home, { ...log.mark, seq, mac }, log.bytes().length)).toBe(false);
  });

  it('is not kept from them by an old record that somebody wrote into the log, before or after it was fenced', () => {
    const old = '{"v":1,"seq":9,"time":"2001-01-01T00:00:00.000Z","type":"secret.set","mac":"0"}\n';
    log.litter(old.repeat(10_000));
    const young = times[1] as number;
    expect(seqsSince(young)).toContain(102);
    log.grow(1);
    expect(seqsSince(young)).toContain(102);
    expect(seqsSince(young).at(-1)).toBe(6_003);
  });
});

describe('asking the log', () => {
  beforeEach(() => {
    log.append([issued('g1', 'prod/db', 'web'), issued('g2', 'test/db', 'api')]);
    log.append([ended('g2', 'test/db'), ended('g1', 'prod/db')]);
    log.append([{ type: 'project.trusted', root: '/p', manifest: 'm', secrets: ['prod/db', 'other'] }]);
    log.append([{ type: 'secret.renamed', secret: 'prod/db', to: 'live/db' }, secretSet(1)]);
  });

  it('who touched a secret: its grants, its end, the consent that names it', () => {
    expect(seqs({ secret: 'prod/db' })).toEqual([2, 5, 6, 7]);
    expect(seqs({ secret: 'live/db' })).toEqual([7]);
  });

  it('by project finds the end of a grant too', () => {
    expect(seqs({ project: 'api' })).toEqual([3, 4]);
    expect(seqs({ project: 'api', type: 'grant.ended' })).toEqual([4]);
    expect([...queryRecords(log.home, { project: 'api' })][1]?.record).not.toHaveProperty('project');
  });

  it('by project finds the fetches of a grant, until its end', () => {
    const fetched = [issued('f', 'db', 'fetching'), delivered('f', 'db'), ended('f', 'db'), delivered('f', 'db')];
    const { seq } = log.append(fetched);
    expect(seqs({ project: 'fetching' })).toEqual([seq - 3, seq - 2, seq - 1]);
  });

  it('by type, by time, and by what no record has', () => {
    expect(seqs({ type: 'secret.set' })).toEqual([8]);
    expect(seqs({ agent: 'nobody' })).toEqual([]);
    expect(seqs({ session: 'nothing' })).toEqual([]);
    expect(seqs({})).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const times = [...readRecords(log.home)].map(({ record }) => Date.parse(String(record['time'])));
    expect(seqs({ since: times[3] as number, until: times[5] as number })).toEqual([2, 3, 4, 5, 6]);
    expect(seqs({ since: (times[7] as number) + 1 })).toEqual([]);
  });

  it('finds a grant that was live throughout the time asked for, and one that still is', () => {
    log.append([issued('g3', 'prod/db', 'web')]);
    log.grow(3);
    const times = [...readRecords(log.home)].map(({ record }) => Date.parse(String(record['time'])));
    const between = (times[8] as number) + 1;
    expect(seqs({ secret: 'prod/db', since: between, until: between })).toEqual([9]);
    log.append([ended('g3', 'prod/db')]);
    expect(seqs({ secret: 'prod/db', since: between, until: between })).toEqual([9, 13]);
    expect(seqs({ secret: 'prod/db', until: times[0] as number })).toEqual([]);
  });

  it('takes one record alone by its own members', () => {
    const record = { type: 'grant.denied', secret: 'a', agent: 'x', session: 's', time: '2026-11-21T14:00:00.000Z' };
    expect(matchesFilter(record, { secret: 'a', agent: 'x', session: 's', type: 'grant.denied' })).toBe(true);
    expect(matchesFilter(record, { secret: 'b' })).toBe(false);
    expect(matchesFilter(record, { until: Date.parse('2026-11-21T13:59:59.999Z') })).toBe(false);
    expect(matchesFilter({ type: 'x', time: 'forged' }, { since: 0 })).toBe(true);
  });
});
