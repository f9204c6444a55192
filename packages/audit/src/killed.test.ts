import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildWriter, type WriterProgram } from '../test/program.ts';
import { type Scratch, scratchLog, secretSet } from '../test/scratch.ts';
import { nextKey } from './chain.ts';

let writer: WriterProgram;
let log: Scratch;

beforeAll(() => {
  writer = buildWriter();
});
afterAll(() => writer.remove());
beforeEach(() => {
  log = scratchLog();
});
afterEach(() => log.remove());

/** k_0 to k_count. */
function keysUpTo(count: number): Buffer[] {
  const keys = [Buffer.from(log.root.k0)];
  while (keys.length <= count) keys.push(nextKey(keys.at(-1) as Buffer));
  return keys;
}

/** The numbers of the keys that stand in any file of the home, as bytes or as text. */
function keysAtRest(count: number): number[] {
  const files = readdirSync(log.home.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name)));
  return keysUpTo(count).flatMap((key, number) => {
    const spellings = [
      key,
      key.toString('hex'),
      key.toString('hex').toUpperCase(),
      key.toString('base64').slice(0, 42),
    ];
    return files.some((file) => spellings.some((spelling) => file.includes(spelling))) ? [number] : [];
  });
}

describe('the keys of the chain', () => {
  it('are gone from every byte of the home once their record is written', () => {
    expect(keysAtRest(10)).toEqual([2]);
    log.grow(10);
    expect(keysAtRest(20)).toEqual([12]);
    log.append([secretSet(1), secretSet(2), secretSet(3)]);
    expect(keysAtRest(20)).toEqual([15]);
  });
});

/** What a log may end with when the next writer comes. */
const ENDS: readonly (readonly [name: string, prepare: () => void])[] = [
  ['a sealed record', () => undefined],
  ['a torn record', () => log.litter('{"v":1,"seq":4,"time":"2026-11-')],
  ['bytes that are no record', () => log.litter('hello\nworld\n')],
  ['a record that is not sealed', () => writer.run('die', log.home.root, stepsOf('sealed').indexOf('slot'))],
  ['a record without its newline', () => writer.run('die', log.home.root, stepsOf('sealed').indexOf('write'), 10_000)],
];

/** The steps of an append to a log that ends as it was sealed. */
function stepsOf(_end: 'sealed'): string[] {
  return ['read seal', 'read end', 'read past end', 'write', 'sync', 'slot', 'sync slot', 'zero'];
}

describe('a writer killed with -9', () => {
  it.each(ENDS)('between any two steps, behind %s, loses nothing and leaves no earlier key', (_name, prepare) => {
    log.grow(2);
    prepare();
    const { mark } = log;
    let steps = 0;
    for (; ; steps++) {
      const { signal, status, stderr } = writer.run('die', log.home.root, steps, steps % 3 === 0 ? 0 : 20);
      if (status === 0) break;
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
      const records = log.lines().length + 5;
      // The key of a record that is written and not yet sealed, and where both slots are filled the next.
      expect(keysAtRest(records).length).toBeLessThanOrEqual(2);
    }
    expect(steps).toBeGreaterThanOrEqual(7);
    log.grow(1);
    const report = log.verify(mark);
    expect(report.ok).toBe(true);
    expect(log.verify(log.mark).ok).toBe(true);
    expect(keysAtRest(report.records + 2)).toEqual([report.records + 1]);
    expect(readdirSync(log.home.root).sort()).toEqual(['audit.jsonl', 'audit.seal']);
  });
});
