import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { homeAt } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { makeVectors } from '../test/vectors.ts';
import { AuditLog } from './log.ts';
import { lockPage } from './seal.ts';
import { verifyLog } from './verify.ts';

const file = new URL('../../../test/vectors/audit.json', import.meta.url);
const frozen = JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof makeVectors>;

describe('the frozen vectors', () => {
  it('are what the code makes today', () => {
    expect(makeVectors()).toEqual(frozen);
  });

  it('verify for a reader that knows docs/formats/audit.md only', () => {
    const log = Buffer.from(frozen.log, 'utf8');
    let key = Buffer.from(frozen.keys[0] as string, 'hex');
    let mac = '0'.repeat(64);
    let offset = 0;
    for (const record of frozen.records) {
      key = createHash('sha256').update(frozen.labels.key).update(key).digest();
      expect(key.toString('hex')).toBe(frozen.keys[record.seq]);
      // Foreign bytes stand before the record that fences them, and nowhere else.
      if (record.offset !== offset) {
        expect({ offset, bytes: record.offset - offset }).toMatchObject({
          offset: frozen.fence.offset,
          bytes: frozen.fence.bytes,
        });
        expect(createHash('sha256').update(log.subarray(offset, record.offset)).digest('hex')).toBe(
          frozen.fence.sha256,
        );
      }
      const bytes = log.subarray(record.offset, record.offset + record.bytes);
      const input = Buffer.concat([Buffer.from(`${mac}"}\n`), bytes.subarray(0, -75)]);
      mac = createHmac('sha256', key).update(input).digest('hex');
      expect(mac).toBe(record.mac);
      expect(bytes.subarray(-75).toString()).toBe(`,"mac":"${mac}"}\n`);
      expect(JSON.parse(bytes.toString())).toMatchObject({ v: 1, seq: record.seq, mac });
      offset = record.offset + record.bytes;
    }
    expect(offset).toBe(log.length);
  });

  it('hold a seal that goes on where the log ends', () => {
    const slot = Buffer.from(frozen.seal.slot, 'hex');
    expect(slot.toString('latin1', 0, 8)).toBe('haspseal');
    expect(slot.toString('hex', 16, 32)).toBe(frozen.chain);
    expect(Number(slot.readBigUInt64BE(32))).toBe(frozen.records.length);
    expect(Number(slot.readBigUInt64BE(40))).toBe(Buffer.byteLength(frozen.log));
    expect(slot.toString('hex', 48, 80)).toBe(frozen.records.at(-1)?.mac);
    expect(slot.toString('hex', 80, 112)).toBe(frozen.keys.at(-1));
    const check = createHash('sha256').update(frozen.labels.seal).update(slot.subarray(0, 112)).digest('hex');
    expect(slot.toString('hex', 112)).toBe(check);
  });

  it('open as a log with its seal: it verifies, and goes on', () => {
    const home = homeAt(mkdtempSync(path.join(os.tmpdir(), 'hasp-audit-')));
    const slots = [frozen.seal.slot, ''].map((slot) => Buffer.concat([Buffer.from(slot, 'hex')], 4096));
    writeFileSync(home.auditLog, frozen.log);
    writeFileSync(home.auditSeal, Buffer.concat([lockPage(), ...slots]));
    const root = { chain: frozen.chain, k0: Buffer.from(frozen.keys[0] as string, 'hex') };
    const { seq, mac } = frozen.seal;
    expect(verifyLog(home, root, { chain: frozen.chain, seq, mac })).toMatchObject({ ok: true, records: 6, fenced: 1 });
    const log = AuditLog.open(home, Date.now);
    const mark = log.append([{ type: 'auth.failed', keySource: 'passphrase' }]);
    log.close();
    expect(verifyLog(home, root, mark)).toMatchObject({ ok: true, records: 7 });
    rmSync(home.root, { recursive: true });
  });
});
