import { readFileSync, writeFileSync } from 'node:fs';
import type { AuditMark } from '@hasp/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Scratch, scratchLog, secretSet, unsyncedDisk } from '../test/scratch.ts';
import type { Disk } from './disk.ts';

class Crash extends Error {}

/** Lives for `steps` reads, writes and syncs; of the write that kills it `bytes` bytes are done. */
function mortalDisk(steps: number, bytes = 0): Disk {
  let left = steps;
  const spend = (): boolean => left-- <= 0;
  return {
    read(...args) {
      if (spend()) throw new Crash();
      return unsyncedDisk.read(...args);
    },
    write(fd, from, at, length, position) {
      if (!spend()) return unsyncedDisk.write(fd, from, at, length, position);
      unsyncedDisk.write(fd, from, at, Math.min(bytes, length), position);
      throw new Crash();
    },
    datasync() {
      if (spend()) throw new Crash();
    },
  };
}

/** Dies in the first write to the log, after `bytes` bytes. */
function tearingDisk(bytes: number): Disk {
  return {
    ...unsyncedDisk,
    write(fd, from, at, length, position) {
      if (position !== null) return unsyncedDisk.write(fd, from, at, length, position);
      unsyncedDisk.write(fd, from, at, Math.min(bytes, length), position);
      throw new Crash();
    },
  };
}

let log: Scratch;
let base: { log: Buffer; seal: Buffer; mark: AuditMark };

beforeEach(() => {
  log = scratchLog();
  log.grow(2);
  keep();
});
afterEach(() => log.remove());

function keep(): void {
  base = { log: log.bytes(), seal: readFileSync(log.home.auditSeal), mark: log.mark };
}

function restore(): void {
  writeFileSync(log.home.auditLog, base.log);
  writeFileSync(log.home.auditSeal, base.seal);
  log.mark = base.mark;
}

function crash(disk: Disk, records = 1): void {
  const events = Array.from({ length: records }, (_, i) => secretSet(100 + i));
  expect(() => log.append(events, disk)).toThrow(Crash);
}

/** How long the write of these records is. */
function lengthOfWrite(records = 1): number {
  log.append(Array.from({ length: records }, (_, i) => secretSet(100 + i)));
  const length = log.bytes().length - base.log.length;
  restore();
  return length;
}

function versions(): unknown[] {
  return log.lines().flatMap((line) => {
    try {
      return [(JSON.parse(line) as { version?: unknown }).version];
    } catch {
      return [];
    }
  });
}

describe('a write that is torn', () => {
  it('at any byte is reported, then fenced or completed by the next append', () => {
    const length = lengthOfWrite();
    for (let bytes = 0; bytes <= length; bytes++) {
      restore();
      crash(tearingDisk(bytes));
      const torn = bytes > 0 && bytes < length;
      expect(log.verify(log.mark).problem?.code).toBe(torn ? 'torn-tail' : undefined);
      log.grow(1);
      const whole = bytes >= length - 1;
      const report = log.verify(log.mark);
      expect(report).toMatchObject({ ok: true, fenced: torn && !whole ? 1 : 0 });
      expect(report.records).toBe(3 + 1 + (whole || torn ? 1 : 0));
    }
  });

  it('of several records keeps those that are whole', () => {
    const length = lengthOfWrite(3);
    for (let bytes = 1; bytes < length; bytes += 7) {
      restore();
      crash(tearingDisk(bytes), 3);
      const whole = log.bytes().toString('latin1').slice(base.log.length).split('\n').length - 1;
      log.grow(1);
      expect(log.verify(log.mark)).toMatchObject({ ok: true });
      expect(versions().filter((version) => Number(version) >= 100).length).toBeGreaterThanOrEqual(whole);
    }
  });

  it('anywhere in its own repair is repaired', () => {
    crash(tearingDisk(40));
    keep();
    const length = lengthOfWrite();
    for (let bytes = 0; bytes <= length; bytes += 3) {
      restore();
      crash(tearingDisk(bytes));
      log.grow(1);
      expect(log.verify(log.mark)).toMatchObject({ ok: true });
    }
  });

  it('leaves bytes that are never cut off again', () => {
    crash(tearingDisk(40));
    const torn = log.bytes();
    log.grow(1);
    expect(log.bytes().subarray(0, torn.length).equals(torn)).toBe(true);
  });
});

describe('foreign bytes behind the sealed end', () => {
  it.each(['x', '\n', '{"v":1}\n', 'two\nlines', '\0\0\0\0', `${'y'.repeat(200_000)}\n`])(
    '%j are fenced exactly',
    (bytes) => {
      log.litter(bytes);
      expect(log.verify(log.mark).ok).toBe(false);
      log.grow(1);
      const fence = JSON.parse(log.lines().at(-2) as string) as Record<string, unknown>;
      const fenced = bytes.endsWith('\n') ? bytes.length : bytes.length + 1;
      expect(fence).toMatchObject({ type: 'audit.recovered', seq: 4, offset: base.log.length, bytes: fenced });
      expect(log.verify(log.mark)).toMatchObject({ ok: true, fenced: 1, records: 5 });
    },
  );

  it('that claim to be the next record, or a fence, are fenced too', () => {
    log.litter(`${(log.lines()[2] as string).replace('"seq":3', '"seq":4')}\n`);
    const fence = `"type":"audit.recovered","offset":${base.log.length},"bytes":3,"sha256":"00","mac":"${'0'.repeat(64)}"}`;
    log.litter(`{"v":1,"seq":4,"time":"2026-11-21T14:03:07.123Z",${fence}\n`);
    log.grow(1);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, fenced: 1, records: 5 });
  });

  it('can not be changed, shortened or taken out once they are fenced', () => {
    log.litter('torn');
    log.grow(1);
    const bytes = log.bytes();
    const at = base.log.length;
    for (const changed of ['tarn\n', 'tor\n', '', 'torn!\n']) {
      log.overwrite(Buffer.concat([bytes.subarray(0, at), Buffer.from(changed), bytes.subarray(at + 5)]));
      expect(log.verify(log.mark).problem).toMatchObject({ seq: 4, line: 4, offset: at });
      expect(log.verify(log.mark).problem?.code).toMatch(/^(fence-mismatch|altered)$/);
    }
  });

  it('longer than any buffer are fenced, too, and what follows them verifies', () => {
    log.litter(Buffer.alloc(3_000_000, 0x61));
    log.grow(3);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, fenced: 1, records: 7 });
  });
});

describe('any history of appends and crashes', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), records: fc.integer({ min: 1, max: 3 }), beside: fc.boolean() }),
    fc.record({
      kind: fc.constant('crash' as const),
      beside: fc.boolean(),
      records: fc.integer({ min: 1, max: 3 }),
      steps: fc.integer({ min: 0, max: 12 }),
      bytes: fc.integer({ min: 0, max: 700 }),
    }),
  );

  it('keeps every acknowledged record, in order, in one chain', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        restore();
        let next = 1000;
        const acknowledged: number[] = [];
        for (const { records, beside, ...how } of steps) {
          const batch = Array.from({ length: records }, () => next++);
          const disk = how.kind === 'crash' ? mortalDisk(how.steps, how.bytes) : unsyncedDisk;
          try {
            log.append(batch.map(secretSet), disk, beside);
            acknowledged.push(...batch);
          } catch (error) {
            expect(error).toBeInstanceOf(Crash);
          }
        }
        log.append([secretSet(next)]);
        expect(log.verify(log.mark)).toMatchObject({ ok: true });
        const kept = versions();
        expect(kept.filter((version) => acknowledged.includes(Number(version)))).toEqual(acknowledged);
        expect(new Set(kept.slice(3).filter(Number)).size).toBe(kept.slice(3).filter(Number).length);
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});
