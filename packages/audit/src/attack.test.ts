import { copyFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rootOf, type Scratch, scratchLog, secretSet } from '../test/scratch.ts';
import { verifyLog } from './verify.ts';

const RECORDS = 12;
let log: Scratch;
let lines: string[];

beforeEach(() => {
  log = scratchLog();
  log.grow(RECORDS - 1);
  lines = log.lines();
});
afterEach(() => log.remove());

/** Goes on with a log of so many records. */
function shorten(records: number): void {
  log.remove();
  log = scratchLog();
  log.grow(records - 1);
  lines = log.lines();
}

/** Where line `number` (from 1) of these lines starts. */
function offsetOf(number: number, all = lines): number {
  return all.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
}

function rewrite(change: (lines: string[]) => string[]): void {
  log.overwrite(
    change([...lines])
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** What verify says with the vault's mark of the last append. */
function finding() {
  const report = log.verify(log.mark);
  expect(report.ok).toBe(false);
  const { message, ...problem } = report.problem as NonNullable<typeof report.problem>;
  expect(message).toMatch(/^[a-z].*[^.]$/);
  return { ...problem, records: report.records };
}

describe('an untouched log', () => {
  it('verifies, and says how far', () => {
    const last = JSON.parse(lines.at(-1) as string) as { time: string; mac: string };
    expect(log.verify(log.mark)).toEqual({
      ok: true,
      records: RECORDS,
      head: { seq: RECORDS, mac: last.mac, time: last.time },
      fenced: 0,
    });
  });

  it('tells its progress in bytes', () => {
    const steps: (readonly [number, number])[] = [];
    verifyLog(log.home, log.root, log.mark, (done, total) => steps.push([done, total]));
    const size = log.bytes().length;
    expect(steps.at(-1)).toEqual([size, size]);
  });
});

describe('a record is changed', () => {
  it.each([1, 2, 5, RECORDS])('number %i: that one is named, and all behind it still verify', (seq) => {
    rewrite((all) => all.with(seq - 1, (all[seq - 1] as string).replace(/"(secret|vault)":"./, '"$1":"X')));
    expect(finding()).toEqual({
      code: 'altered',
      seq,
      line: seq,
      offset: offsetOf(seq),
      verifiedAfter: RECORDS - seq,
      records: seq - 1,
    });
  });

  it('in its time, its MAC, or the bytes around its MAC', () => {
    for (const change of [
      (line: string) => line.replace('T14:', 'T15:'),
      (line: string) => line.replace(/"mac":"./, '"mac":"x'),
      (line: string) => line.replace(',"mac":"', ',"mad":"'),
      (line: string) => `${line} `,
      (line: string) => line.replace('"}', '" }'),
      (line: string) => line.replace('"seq":5', '"seq": 5'),
    ]) {
      rewrite((all) => all.with(4, change(all[4] as string)));
      expect(finding()).toMatchObject({ seq: 5, line: 5, offset: offsetOf(5), records: 4 });
    }
  });

  it('at any single byte of the file', () => {
    shorten(3);
    const bytes = log.bytes();
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      log.overwrite(changed);
      const line = bytes.subarray(0, at).toString('latin1').split('\n').length;
      expect(finding()).toMatchObject({ line, seq: line, offset: offsetOf(line) });
    }
  });

  it('to a number far ahead: the ones behind it still verify', () => {
    rewrite((all) => all.with(4, (all[4] as string).replace('"seq":5,', '"seq":900000,')));
    expect(finding()).toMatchObject({ code: 'missing', seq: 5, line: 5, verifiedAfter: RECORDS - 5 });
  });

  it('to format version 0', () => {
    rewrite((all) => all.with(4, (all[4] as string).replace('"v":1', '"v":0')));
    expect(finding()).toMatchObject({ code: 'unknown-version', seq: 5, line: 5, verifiedAfter: RECORDS - 5 });
  });

  it('for an equal-looking one of another log of the same records', () => {
    const twin = scratchLog(rootOf(log.root.chain, 8));
    twin.grow(RECORDS - 1);
    const foreign = twin.lines()[4] as string;
    twin.remove();
    rewrite((all) => all.with(4, foreign));
    expect(finding()).toMatchObject({ code: 'altered', seq: 5, line: 5, verifiedAfter: RECORDS - 6 });
  });
});

describe('records are moved', () => {
  it('one deleted', () => {
    rewrite((all) => all.toSpliced(4, 1));
    const place = { seq: 5, line: 5, offset: offsetOf(5) };
    expect(finding()).toEqual({ code: 'missing', ...place, verifiedAfter: RECORDS - 6, records: 4 });
  });

  it('one inserted', () => {
    rewrite((all) => all.toSpliced(4, 0, (all[4] as string).replace('"db/url"', '"db/xxx"')));
    expect(finding()).toMatchObject({ code: 'altered', seq: 5, line: 5, verifiedAfter: RECORDS - 4 });
  });

  it('a line that is no record inserted', () => {
    rewrite((all) => all.toSpliced(4, 0, 'hello'));
    expect(finding()).toMatchObject({ code: 'foreign-bytes', seq: 5, line: 5, verifiedAfter: RECORDS - 4 });
  });

  it('two swapped', () => {
    rewrite((all) => all.toSpliced(4, 2, all[5] as string, all[4] as string));
    expect(finding()).toMatchObject({ code: 'missing', seq: 5, line: 5, verifiedAfter: RECORDS - 6 });
  });

  it('one repeated', () => {
    rewrite((all) => all.toSpliced(5, 0, all[4] as string));
    expect(finding()).toMatchObject({ code: 'out-of-order', seq: 6, line: 6, verifiedAfter: RECORDS - 5 });
  });

  it('the head cut off', () => {
    rewrite((all) => all.slice(3));
    expect(finding()).toMatchObject({ code: 'missing', seq: 1, line: 1, offset: 0, verifiedAfter: RECORDS - 4 });
  });
});

describe('the end is cut off', () => {
  it('by whole records', () => {
    rewrite((all) => all.slice(0, 7));
    const place = { seq: 8, line: 8, offset: offsetOf(8) };
    expect(finding()).toEqual({ code: 'truncated', ...place, verifiedAfter: 0, records: 7 });
  });

  it('at any byte, also without the mark', () => {
    shorten(3);
    const bytes = log.bytes();
    for (let size = 0; size < bytes.length; size++) {
      log.overwrite(bytes.subarray(0, size));
      const line = bytes.subarray(0, size).toString('latin1').split('\n').length;
      expect(log.verify().problem).toMatchObject({ code: 'truncated', line, seq: line, offset: offsetOf(line) });
    }
  });

  it('and the seal rolled back with it, to before the mark', () => {
    const early = scratchLog();
    early.grow(4);
    copyFileSync(early.home.auditLog, log.home.auditLog);
    copyFileSync(early.home.auditSeal, log.home.auditSeal);
    early.remove();
    expect(finding()).toMatchObject({ code: 'rolled-back', seq: 6, line: 6, records: 5 });
    expect(log.verify().ok).toBe(true);
  });

  it('and written anew from a key that was stolen before the mark', () => {
    const early = scratchLog();
    early.grow(4);
    for (let i = 0; i < 20; i++) early.append([secretSet(1000 + i)]);
    copyFileSync(early.home.auditLog, log.home.auditLog);
    copyFileSync(early.home.auditSeal, log.home.auditSeal);
    early.remove();
    expect(finding()).toMatchObject({ code: 'rolled-back', seq: RECORDS, line: RECORDS, verifiedAfter: 25 - RECORDS });
  });
});

describe('the log is replaced', () => {
  it('by nothing', () => {
    unlinkSync(log.home.auditLog);
    expect(finding()).toMatchObject({ code: 'log-missing', seq: 1, line: 1, offset: 0, records: 0 });
    expect(() => log.grow(1)).toThrow(expect.objectContaining({ code: 'E_CHAIN_BROKEN' }));
  });

  it('by an empty file', () => {
    log.overwrite('');
    expect(finding()).toMatchObject({ code: 'truncated', seq: 1, line: 1, offset: 0, records: 0 });
    expect(() => log.grow(1)).toThrow(expect.objectContaining({ code: 'E_CHAIN_BROKEN' }));
  });

  it("by another vault's log, with or without its seal", () => {
    const other = scratchLog(rootOf('f'.repeat(32), 9));
    other.grow(20);
    copyFileSync(other.home.auditLog, log.home.auditLog);
    expect(finding()).toMatchObject({ code: 'wrong-chain', seq: 1, line: 1, verifiedAfter: 0, records: 0 });
    copyFileSync(other.home.auditSeal, log.home.auditSeal);
    expect(finding()).toMatchObject({ code: 'wrong-chain', seq: 1, line: 1 });
    other.remove();
  });

  it('by one written from the first record on without the key', () => {
    const forged = scratchLog(rootOf(log.root.chain, 9));
    forged.grow(20);
    copyFileSync(forged.home.auditLog, log.home.auditLog);
    copyFileSync(forged.home.auditSeal, log.home.auditSeal);
    forged.remove();
    expect(finding()).toMatchObject({ code: 'altered', seq: 1, line: 1, verifiedAfter: 0, records: 0 });
  });
});

describe('the seal is attacked', () => {
  it('deleted', () => {
    unlinkSync(log.home.auditSeal);
    expect(finding()).toMatchObject({ code: 'seal-missing', seq: RECORDS + 1, records: RECORDS });
    expect(() => log.grow(1)).toThrow(expect.objectContaining({ code: 'E_CHAIN_BROKEN' }));
  });

  it('in its first page, or in any part of its slot', () => {
    const bytes = readFileSync(log.home.auditSeal);
    const slot = bytes.indexOf('haspseal');
    const inSlot = Array.from({ length: 29 }, (_, i) => slot + i * 5);
    for (const at of [0, 17, 18, 19, 31, 100, 2000, 4095, ...inSlot]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(log.home.auditSeal, changed);
      expect(log.verify(log.mark).problem?.code).toBe('seal-damaged');
      expect(() => log.grow(1)).toThrow(expect.objectContaining({ code: 'E_CHAIN_BROKEN' }));
    }
  });

  it('emptied', () => {
    writeFileSync(log.home.auditSeal, '');
    expect(finding()).toMatchObject({ code: 'seal-damaged' });
  });

  it("replaced by another chain's", () => {
    const other = scratchLog(rootOf('f'.repeat(32), 9));
    other.grow(4);
    copyFileSync(other.home.auditSeal, log.home.auditSeal);
    other.remove();
    expect(finding()).toMatchObject({ code: 'seal-mismatch', seq: 5, line: 5, verifiedAfter: RECORDS - 5 });
    expect(() => log.grow(1)).toThrow(expect.objectContaining({ code: 'E_CHAIN_BROKEN' }));
  });
});
