import { createHash } from 'node:crypto';
import { BROKEN_LOG_HINT, HaspError, type Home } from '@hasp/core';
import { GENESIS_MAC } from './chain.ts';
import { readPrefixUpTo } from './prefix.ts';
import type { Problem } from './problem.ts';
import { readRecords, type StoredRecord } from './read.ts';
import type { VerifyReport } from './verify.ts';

/** Milliseconds since 1970, both inclusive. */
export interface ExportRange {
  readonly since?: number;
  readonly until?: number;
}

/** What the last line of an export says. */
export interface ExportEnd {
  readonly records: number;
  readonly first: { readonly seq: number; readonly time: string } | null;
  readonly last: { readonly seq: number; readonly mac: string; readonly time: string } | null;
  /** The MAC that the first one is chained to. */
  readonly previousMac: string | null;
  /** Of the lines of the records, with their newlines; hex. */
  readonly sha256: string;
  /** Whether the whole log verifies, not these records alone. */
  readonly verified: boolean;
  /** All records up to this one do. */
  readonly verifiedTo: VerifyReport['head'];
  readonly problem?: Problem;
}

/**
 * The lines of the records that verify, from the first one in the range to the last one, without a gap: what lies
 * between them is given too, where the clock went back. Fenced bytes are left out. In constant memory.
 * @param report what verifyLog has just said of this log
 * @throws HaspError E_CHAIN_BROKEN if the log was changed since, E_STORAGE
 */
export function* exportRecords(
  home: Home,
  report: VerifyReport,
  range: ExportRange,
): Generator<Buffer, ExportEnd, void> {
  const { head, ok, problem } = report;
  const sha256 = createHash('sha256');
  const found = head === null ? undefined : findRange(home, head, range);
  let records = 0;
  let last: ExportEnd['last'] = null;
  if (head !== null && found !== undefined) {
    for (const { bytes, record } of verifiedRecords(home, head)) {
      const seq = Number(record['seq']);
      if (seq < found.from) continue;
      if (seq > found.to) break;
      const line = Buffer.concat([bytes, Buffer.from('\n')]);
      sha256.update(line);
      records += 1;
      if (seq === found.to) last = { seq, mac: String(record['mac']), time: String(record['time']) };
      yield line;
    }
  }
  return {
    records,
    first: found === undefined ? null : { seq: found.from, time: found.time },
    last,
    previousMac: found?.previousMac ?? null,
    sha256: sha256.digest('hex'),
    verified: ok,
    verifiedTo: head,
    ...(problem === undefined ? {} : { problem }),
  };
}

interface Found {
  readonly from: number;
  readonly to: number;
  readonly time: string;
  readonly previousMac: string;
}

/** Numbers of the first and the last record of that time. */
function findRange(
  home: Home,
  head: NonNullable<VerifyReport['head']>,
  { since, until }: ExportRange,
): Found | undefined {
  let first: Omit<Found, 'to'> | undefined;
  let to = 0;
  let previousMac = GENESIS_MAC;
  for (const { record } of verifiedRecords(home, head)) {
    const seq = Number(record['seq']);
    const time = String(record['time']);
    const at = Date.parse(time);
    if (first === undefined && at >= (since ?? -Infinity)) first = { from: seq, time, previousMac };
    if (at <= (until ?? Infinity)) to = seq;
    previousMac = String(record['mac']);
  }
  return first === undefined || to < first.from ? undefined : { ...first, to };
}

/** No further than they verify: what stands behind that could fence off what is good, for who only reads. */
function* verifiedRecords(home: Home, head: NonNullable<VerifyReport['head']>): Generator<StoredRecord, void, void> {
  let expected = 1;
  const end = readPrefixUpTo(home, head.mac)?.bytes ?? 0;
  for (const stored of readRecords(home, 0, end)) {
    if (stored.record['seq'] !== expected) throw changed();
    expected += 1;
    yield stored;
  }
  if (expected !== head.seq + 1) throw changed();
}

function changed(): HaspError {
  return new HaspError('E_CHAIN_BROKEN', 'the log was changed while it was read', BROKEN_LOG_HINT);
}
