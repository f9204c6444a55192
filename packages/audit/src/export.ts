import { createHash } from 'node:crypto';
import { BROKEN_LOG_HINT, HaspError, type Home } from '@hasp/core';
import { GENESIS_MAC } from './chain.ts';
import { endOfRecord } from './prefix.ts';
import type { Problem } from './problem.ts';
import { readUnfenced } from './read.ts';
import { claimedSeq, hasTail, storedMac, TIME_LENGTH } from './record.ts';
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
 * @returns each line without its newline
 * @throws HaspError E_CHAIN_BROKEN if the log was changed since, E_STORAGE
 */
export function* exportRecords(
  home: Home,
  report: VerifyReport,
  range: ExportRange,
): Generator<Buffer, ExportEnd, void> {
  const { head, ok, problem } = report;
  const sha256 = createHash('sha256');
  const end = head === null ? 0 : (endOfRecord(home, head.mac) ?? 0);
  const found = head === null ? undefined : findRange(home, end, head.seq, range);
  let records = 0;
  if (found !== undefined) {
    for (const { seq, bytes } of verifiedRecords(home, end, found.last.seq)) {
      if (seq < found.first.seq) continue;
      sha256.update(bytes).update('\n');
      records += 1;
      yield bytes;
    }
  }
  return {
    records,
    first: found?.first ?? null,
    last: found?.last ?? null,
    previousMac: found?.previousMac ?? null,
    sha256: sha256.digest('hex'),
    verified: ok,
    verifiedTo: head,
    ...(problem === undefined ? {} : { problem }),
  };
}

type Head = NonNullable<VerifyReport['head']>;

interface Found {
  readonly first: { readonly seq: number; readonly time: string };
  readonly last: Head;
  readonly previousMac: string;
}

function findRange(
  home: Home,
  end: number,
  count: number,
  { since = -Infinity, until = Infinity }: ExportRange,
): Found | undefined {
  let first: Found['first'] | undefined;
  let last: Head | undefined;
  let previousMac = GENESIS_MAC;
  let mac = GENESIS_MAC;
  for (const { seq, bytes } of verifiedRecords(home, end, count)) {
    const time = timeIn(bytes, seq);
    const at = Date.parse(time);
    if (first === undefined && at >= since) {
      first = { seq, time };
      previousMac = mac;
    }
    mac = storedMac(bytes, bytes.length);
    if (at <= until) last = { seq, mac, time };
  }
  return first === undefined || last === undefined || last.seq < first.seq ? undefined : { first, last, previousMac };
}

/**
 * No further than they verify: what stands behind that could fence off what is good, for who only reads.
 * @param end of the last record that verifies
 * @param to the number of the last one that is given
 */
function* verifiedRecords(
  home: Home,
  end: number,
  to: number,
): Generator<{ readonly seq: number; readonly bytes: Buffer }, void, void> {
  let seq = 0;
  for (const { bytes } of readUnfenced(home, 0, end)) {
    if (seq === to) return;
    seq += 1;
    if (claimedSeq(bytes, 0) !== seq || !hasTail(bytes, 0, bytes.length)) throw changed();
    yield { seq, bytes };
  }
  if (seq !== to) throw changed();
}

/** It stands at the same place behind the number. */
function timeIn(bytes: Buffer, seq: number): string {
  const from = `{"v":1,"seq":${seq},"time":"`.length;
  return bytes.toString('latin1', from, from + TIME_LENGTH);
}

function changed(): HaspError {
  return new HaspError('E_CHAIN_BROKEN', 'the log was changed while it was read', BROKEN_LOG_HINT);
}
