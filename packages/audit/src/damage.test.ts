import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Scratch, scratchLog } from '../test/scratch.ts';
import { verifyLog } from './verify.ts';

let log: Scratch;
let bytes: Buffer;
let seal: Buffer;

beforeAll(() => {
  log = scratchLog();
  log.grow(3);
  log.litter('{"v":1,"seq":5,"ti');
  log.grow(3);
  log.litter('two\nlines\n');
  log.grow(2);
  bytes = log.bytes();
  seal = readFileSync(log.home.auditSeal);
});
afterAll(() => log.remove());

/** Where the line of the first byte that differs starts. */
function firstDamage(changed: Buffer): number {
  let at = 0;
  while (at < bytes.length && at < changed.length && bytes[at] === changed[at]) at += 1;
  return at === 0 ? 0 : bytes.lastIndexOf(0x0a, at - 1) + 1;
}

/** Not valid, and the first damage is at or before the place that is named, as close as one fence. */
function expectFound(changed: Buffer): void {
  log.overwrite(changed);
  const report = log.verify(log.mark);
  expect(report.ok).toBe(false);
  const { problem } = report;
  expect(problem?.offset).toBeLessThanOrEqual(firstDamage(changed));
  expect(problem?.seq).toBe(report.records + 1);
  expect(report.records + (problem?.verifiedAfter ?? 0)).toBeLessThanOrEqual(log.mark.seq);
}

describe('any damage', () => {
  it('by other bytes in place of some is found where it is', () => {
    const place = fc.nat(bytes.length - 1);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('\n', '"}\n', '{"v":1,"seq":3,', ',"mac":"', '"type":"audit.recovered"', ''),
    );
    fc.assert(
      fc.property(place, fc.nat(400), text, (at, gone, instead) => {
        const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from(instead), bytes.subarray(at + gone)]);
        fc.pre(!changed.equals(bytes));
        expectFound(changed);
      }),
      { numRuns: 250, seed: 1 },
    );
  });

  it('by lines that are left out, repeated or moved is found where it is', () => {
    const lines = bytes.toString('latin1').split(/(?<=\n)/);
    fc.assert(
      fc.property(fc.array(fc.nat(lines.length - 1), { maxLength: lines.length + 3 }), (order) => {
        const changed = Buffer.from(order.map((line) => lines[line]).join(''), 'latin1');
        fc.pre(!changed.equals(bytes));
        expectFound(changed);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('of the whole file is found, and never more than that', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 500 }).map((array) => Buffer.from(array)),
      fc
        .string({ unit: fc.constantFrom('{"v":1,"seq":', '1', ',', '\n', ',"mac":"', '"}\n', '0'.repeat(64)) })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(fc.property(noise, expectFound), { numRuns: 200, seed: 1 });
  });

  it('of log and seal together never ends in anything but a report', () => {
    const random = fc.uint8Array({ maxLength: 9000 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(random, random, (noise, other) => {
        log.overwrite(noise);
        writeFileSync(log.home.auditSeal, other);
        expect(log.verify(log.mark).ok).toBe(false);
        expect(() => log.append([{ type: 'auth.failed', keySource: 'x' }])).toThrow(
          expect.objectContaining({ code: 'E_CHAIN_BROKEN' }),
        );
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('that is done while verify reads ends it, with a report', () => {
    for (const tail of [Buffer.alloc(3_000_000, 0x61), Buffer.alloc(3_000_000, 0x0a)]) {
      for (const size of [0, bytes.length, 1_500_000]) {
        log.overwrite(Buffer.concat([bytes, tail]));
        writeFileSync(log.home.auditSeal, seal);
        let cut = false;
        const report = verifyLog(log.home, log.root, log.mark, () => {
          if (!cut) truncateSync(log.home.auditLog, size);
          cut = true;
        });
        expect(report.ok).toBe(size === bytes.length);
      }
    }
  });
});
