import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  const keys: Buffer[] = [Buffer.from(log.root.k0)];
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

/** Steps of an append to a log that ends as it was sealed: three reads (seal, end, nothing behind it), write, sync, slot. */
const WRITE = 3;
const SLOT = 5;

/** What a log may end with when the next writer comes. */
const ENDS: readonly (readonly [name: string, prepare: () => void])[] = [
  ['a sealed record', () => undefined],
  ['a torn record', () => log.litter('{"v":1,"seq":4,"time":"2026-11-')],
  ['bytes that are no record', () => log.litter('hello\nworld\n')],
  ['a record that is not sealed', () => writer.run('die', log.home.root, SLOT)],
  ['a record without its newline', () => writer.run('die', log.home.root, WRITE, lengthOfDeath() - 1)],
];

/** How many bytes the record of the dying writer has. */
function lengthOfDeath(): number {
  const other = scratchLog();
  other.grow(2);
  const before = other.bytes().length;
  writer.run('die', other.home.root, SLOT);
  const length = other.bytes().length - before;
  other.remove();
  return length;
}

describe('a writer killed with -9', () => {
  it.each(ENDS)('before any step, behind %s, loses nothing and leaves no earlier key', (_name, prepare) => {
    log.grow(2);
    const { mark } = log;
    prepare();
    const [bytes, seal] = [log.bytes(), readFileSync(log.home.auditSeal)];
    let step = 0;
    for (; ; step++) {
      log.overwrite(bytes);
      writeFileSync(log.home.auditSeal, seal);
      const { signal, status, stderr } = writer.run('die', log.home.root, step, step % 3 === 0 ? 0 : 20);
      expect(stderr).toBe('');
      if (status === 0) break;
      expect(signal).toBe('SIGKILL');
      expect(keysAtRest(mark.seq)).toEqual([]);
      log.grow(1);
      expect(log.verify(mark)).toMatchObject({ ok: true });
      expect(log.verify(log.mark)).toMatchObject({ ok: true });
      expect(keysAtRest(log.mark.seq + 1)).toEqual([log.mark.seq + 1]);
      expect(log.bytes().subarray(0, bytes.length).equals(bytes)).toBe(true);
    }
    expect(step).toBeGreaterThan(SLOT + 1);
    expect(readdirSync(log.home.root).sort()).toEqual(['audit.jsonl', 'audit.seal']);
  });
});
