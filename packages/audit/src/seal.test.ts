import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSlot, encodeSealFile, encodeSlot, type Seal } from './seal.ts';

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const seals: fc.Arbitrary<Seal> = fc.record({
  chain: hex(32),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  offset: fc.integer({ min: 67, max: Number.MAX_SAFE_INTEGER }),
  mac: hex(64),
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
});

describe('a slot of the seal', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(seals, (seal) => {
        expect(decodeSlot(encodeSlot(seal))).toEqual(seal);
      }),
    );
  });

  it('with any bit changed, or only half written, is none', () => {
    fc.assert(
      fc.property(seals, fc.nat(143), fc.nat(7), (seal, at, bit) => {
        const slot = encodeSlot(seal);
        const torn = Buffer.concat([slot.subarray(0, at), Buffer.alloc(144 - at)]);
        // What ends with zeros is whole without them.
        if (!torn.equals(slot)) expect(decodeSlot(torn)).toBeUndefined();
        slot[at] = (slot[at] as number) ^ (1 << bit);
        expect(decodeSlot(slot)).toBeUndefined();
      }),
    );
  });

  it('is none when it is all zero', () => {
    expect(decodeSlot(Buffer.alloc(144))).toBeUndefined();
  });
});

describe('the first page of audit.seal', () => {
  it('is a database that SQLite finds sound, though the slots stand behind it', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'hasp-audit-seal-'));
    const file = path.join(folder, 'audit.seal');
    const seal = { chain: '0'.repeat(32), seq: 1, offset: 100, mac: '1'.repeat(64), key: Buffer.alloc(32, 2) };
    const bytes = encodeSealFile(seal);
    writeFileSync(file, bytes);
    const database = new Database(file, { readonly: true });
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(database.pragma('page_count', { simple: true })).toBe(1);
    expect(database.pragma('journal_mode', { simple: true })).toBe('delete');
    expect(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(0);
    database.close();
    rmSync(folder, { recursive: true });
  });
});
