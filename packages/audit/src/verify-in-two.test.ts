import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import type { AuditMark } from '@hasp/core';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rootOf, type Scratch, scratchLog } from '../test/scratch.ts';
import { buildSecondThread, type SecondPrograms } from '../test/second-thread.ts';
import { verifyLog } from './verify.ts';
import { FIRST_SHARE, verifyLogInTwo } from './verify-in-two.ts';

const RECORDS = 40;
let programs: SecondPrograms;
let log: Scratch;

beforeAll(() => {
  programs = buildSecondThread();
});
afterAll(() => programs.remove());
beforeEach(() => {
  log = scratchLog();
});
afterEach(() => log.remove());

const inTwo = (mark?: AuditMark, second = programs.built, root = log.root) =>
  verifyLogInTwo(log.home, root, mark, second);

/** Both ways say the same, to the byte. */
async function expectSame(mark?: AuditMark) {
  const one = log.verify(mark);
  expect(JSON.stringify(await inTwo(mark))).toBe(JSON.stringify(one));
  return one;
}

/** Where the second half begins. */
function border(bytes: Buffer): number {
  return bytes.indexOf('\n', Math.floor(bytes.length * FIRST_SHARE) - 1) + 1;
}

describe('a log that verifies', () => {
  it.each([1, 2, 3, 5, RECORDS])('gives the same report in two halves, with %i records', async (records) => {
    log.grow(records - 1);
    expect(await expectSame()).toMatchObject({ ok: true, records });
    expect(await expectSame(log.mark)).toMatchObject({ ok: true, records });
  });

  it('is held against every mark, in the first half, at the border, in the second', async () => {
    const marks = [log.mark];
    for (let i = 1; i < RECORDS; i++) marks.push(log.grow(1));
    for (const mark of marks.filter(({ seq }) => seq % 4 === 1 || (seq > 20 && seq < 26))) {
      expect(await expectSame(mark)).toMatchObject({ ok: true });
      const forged = { ...mark, mac: mark.mac.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) };
      expect(await expectSame(forged)).toMatchObject({ ok: false, problem: { code: 'rolled-back', seq: mark.seq } });
    }
    const ahead = { ...log.mark, seq: RECORDS + 1 };
    expect(await expectSame(ahead)).toMatchObject({ ok: false, problem: { code: 'rolled-back' } });
  });

  it('is gone over by the second thread from the border on, which says where it ends', async () => {
    log.grow(RECORDS - 1);
    const lies = programs.other(`
      const { parentPort, workerData: { border } } = require('node:worker_threads');
      parentPort.postMessage({ ...border, seq: 4711, line: 0, lastOffset: border.offset, fenced: 3 });`);
    expect(await inTwo(log.mark, lies)).toMatchObject({ ok: true, records: 4711, fenced: 3 });
  });

  it('is gone over by one thread where the second can not start, fails, or says nothing', async () => {
    log.grow(RECORDS - 1);
    const report = JSON.stringify(log.verify(log.mark));
    for (const code of ['throw new Error("no")', '', 'process.exit(3)', 'this is no program', 'require("no-such")']) {
      expect(JSON.stringify(await inTwo(log.mark, programs.other(code)))).toBe(report);
    }
    expect(JSON.stringify(await inTwo(log.mark, { program: '/no/such/program.cjs', worthBytes: 0 }))).toBe(report);
  });

  it('with torn writes that were fenced, before the border, across it and behind it', async () => {
    for (const at of [3, 18, 21, 24, 38]) {
      log.remove();
      log = scratchLog();
      for (let i = 1; i < RECORDS; i++) {
        // Whole records of this very log among it: the border may look like one between two records.
        if (i === at)
          log.litter(Buffer.concat([Buffer.from('torn\n'), log.bytes().subarray(-1200), Buffer.from('{"v')]));
        log.grow(1);
      }
      expect(await expectSame(log.mark)).toMatchObject({ ok: true, fenced: 1 });
    }
  });
});

describe('a log that does not', () => {
  it('has the same problem in two halves, whatever was done to it', async () => {
    const model = scratchLog();
    for (let i = 1; i < RECORDS; i++) {
      if (i === 10 || i === 30) model.litter('{"v":1,"seq":7,"torn');
      model.grow(1);
    }
    const bytes = model.bytes();
    const seal = readFileSync(model.home.auditSeal);
    const { mark } = model;
    model.remove();
    const middle = border(bytes);
    const place = fc.oneof(
      fc.nat(bytes.length - 1),
      fc.integer({ min: middle - 70, max: middle + 250 }),
      fc.constantFrom(middle - 1, middle, middle - 3, middle - 67, middle + 12),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(DAMAGES)), place, fc.nat(255), async (kind, at, byte) => {
        log.overwrite((DAMAGES[kind] as Damage)(bytes, at, byte));
        writeFileSync(log.home.auditSeal, seal);
        const { ok } = await expectSame(mark);
        expect(ok).toBe(kind === 'nothing');
      }),
      { numRuns: 60 },
    );
  });

  it('has the same problem in two halves where whole records are out of place at the border', async () => {
    log.grow(RECORDS - 1);
    const bytes = log.bytes();
    const middle = border(bytes);
    let doubled = 0;
    for (let at = middle - 700; at < middle + 700; at = bytes.indexOf('\n', at) + 1) {
      for (const kind of ['drop', 'duplicate', 'swap']) {
        const changed = (DAMAGES[kind] as Damage)(bytes, at, 0);
        log.overwrite(changed);
        expect(await expectSame(log.mark)).toMatchObject({ ok: false });
        const end = bytes.indexOf('\n', at) + 1;
        if (kind === 'duplicate' && border(changed) === end + end - bytes.lastIndexOf('\n', end - 2) - 1) doubled += 1;
      }
    }
    // The hardest: both halves are whole, and the record before the border stands there twice.
    expect(doubled).toBe(1);
  });

  it('because its seal is missing, damaged or another', async () => {
    log.grow(RECORDS - 1);
    const seal = readFileSync(log.home.auditSeal);
    log.grow(1);
    writeFileSync(log.home.auditSeal, seal);
    // An older seal beside a longer log: a writer that lost power.
    expect(await expectSame(log.mark)).toMatchObject({ ok: true });
    const slot = seal.indexOf('haspseal');
    for (const at of [slot + 20, slot + 39, slot + 46, slot + 60, slot + 90]) {
      const changed = Buffer.from(seal);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(log.home.auditSeal, changed);
      expect(await expectSame(log.mark)).toMatchObject({ ok: false });
    }
    unlinkSync(log.home.auditSeal);
    expect(await expectSame(log.mark)).toMatchObject({ ok: false, problem: { code: 'seal-missing' } });
    unlinkSync(log.home.auditLog);
    expect(await expectSame(log.mark)).toMatchObject({ ok: false, problem: { code: 'log-missing' } });
  });

  it('because it belongs to another vault', async () => {
    log.grow(RECORDS - 1);
    for (const root of [rootOf('f'.repeat(32)), rootOf(log.root.chain, 9)]) {
      const one = verifyLog(log.home, root, undefined);
      expect(one).toMatchObject({ ok: false, problem: { seq: 1 } });
      expect(JSON.stringify(await inTwo(undefined, programs.built, root))).toBe(JSON.stringify(one));
    }
  });

  it('because numbers were made up behind the border, without counting up to them', async () => {
    log.grow(RECORDS - 1);
    const bytes = log.bytes();
    const start = border(bytes);
    const head = /^\{"v":1,"seq":\d+/.exec(bytes.toString('latin1', start)) as RegExpExecArray;
    const rest = bytes.subarray(start + head[0].length);
    for (const seq of ['9007199254740991', '999999999', '1', '0', '01']) {
      log.overwrite(Buffer.concat([bytes.subarray(0, start), Buffer.from(`{"v":1,"seq":${seq}`), rest]));
      expect(await expectSame(log.mark)).toMatchObject({ ok: false });
    }
  });
});

type Damage = (bytes: Buffer, at: number, byte: number) => Buffer;

/** Lines from before `at` to behind it, and the rest on both sides. */
function around(bytes: Buffer, at: number, lines: number): [Buffer, Buffer, Buffer] {
  const start = at === 0 ? 0 : bytes.lastIndexOf('\n', at - 1) + 1;
  let end = start;
  for (let i = 0; i < lines; i++) end = bytes.indexOf('\n', end) + 1 || bytes.length;
  return [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  nothing: (bytes) => bytes,
  change(bytes, at, byte) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ (byte || 1);
    return changed;
  },
  drop(bytes, at) {
    const [before, , after] = around(bytes, at, 1);
    return Buffer.concat([before, after]);
  },
  duplicate(bytes, at) {
    const [before, line, after] = around(bytes, at, 1);
    return Buffer.concat([before, line, line, after]);
  },
  swap(bytes, at) {
    const [before, first, rest] = around(bytes, Math.min(at, bytes.lastIndexOf('\n', bytes.length - 2)), 1);
    const [, second, after] = around(rest, 0, 1);
    return Buffer.concat([before, second, first, after]);
  },
  cut: (bytes, at) => bytes.subarray(0, at),
  behead: (bytes, at) => bytes.subarray(at + 1),
  insert: (bytes, at, byte) => Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]),
  take: (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
};
