import { createHash } from 'node:crypto';
import type { AuditEvent } from '@hasp/core';
import { GENESIS_MAC, nextKey } from '../src/chain.ts';
import { encodeRecord } from '../src/record.ts';
import { encodeSlot, lockPage } from '../src/seal.ts';

const CHAIN = '000102030405060708090a0b0c0d0e0f';
const K0 = Buffer.from(Array.from({ length: 32 }, (_, i) => 0xa0 + i));
const TIME = Date.UTC(2026, 10, 21, 14, 3, 7, 123);
/** A torn write, with the newline that its fence puts behind it. */
const TORN = '{"v":1,"seq":5,"time":"2026-11-21T14:0\n';

/** A log in every detail, as another implementation could read it: see docs/formats/audit.md. */
export function makeVectors() {
  const keys: Buffer[] = [K0];
  const records: { seq: number; offset: number; bytes: number; mac: string }[] = [];
  let log = '';
  let previousMac = GENESIS_MAC;
  const append = (event: AuditEvent): void => {
    const key = nextKey(keys.at(-1) as Buffer);
    keys.push(key);
    const seq = records.length + 1;
    const { bytes, mac } = encodeRecord(event, { seq, time: TIME + seq * 1000, previousMac, key });
    records.push({ seq, offset: Buffer.byteLength(log), bytes: bytes.length, mac });
    log += bytes.toString('utf8');
    previousMac = mac;
  };
  append({ type: 'vault.created', chain: CHAIN, vault: 'f00f', keySource: 'key-file' });
  append({ type: 'secret.set', secret: 'db/url', version: 1 });
  append({
    type: 'secret.renamed',
    secret: 'db/url',
    to: 'é 日本 \u{1f511} " \\ \n \u0000 \u007f \u009b \u2028 \u202e',
  });
  append({ type: 'secret.removed', secret: 'db/url' });
  const fence = {
    offset: Buffer.byteLength(log),
    bytes: Buffer.byteLength(TORN),
    sha256: createHash('sha256').update(TORN).digest('hex'),
  };
  log += TORN;
  append({ type: 'audit.recovered', ...fence });
  append({ type: 'auth.failed', keySource: 'passphrase' });
  const key = nextKey(keys.at(-1) as Buffer);
  keys.push(key);
  const seal = { chain: CHAIN, seq: records.length, offset: Buffer.byteLength(log), mac: previousMac };
  return {
    format: 'hasp audit log, version 1',
    chain: CHAIN,
    labels: { key: 'hasp/audit/v1 next key', seal: 'hasp/audit/v1 seal' },
    keys: keys.map((each) => Buffer.from(each).toString('hex')),
    records,
    fence,
    log,
    seal: {
      ...seal,
      slot: encodeSlot({ ...seal, key }).toString('hex'),
      firstPageSha256: createHash('sha256').update(lockPage()).digest('hex'),
    },
  };
}
