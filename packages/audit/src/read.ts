import { closeSync, fstatSync, openSync } from 'node:fs';
import { type AuditMark, BROKEN_LOG_HINT, HaspError, type Home } from '@hasp/core';
import { readFully, realDisk } from './disk.ts';
import { asReadError, isErrno } from './failures.ts';
import { claimedSeq, hasTail, MAX_RECORD, RECOVERED, storedMac } from './record.ts';

/** A record as it stands in the log, not verified. */
export interface StoredRecord {
  /** Byte offset of its line. */
  readonly offset: number;
  /** Its line, from 1, counted from where reading began. */
  readonly line: number;
  readonly record: Record<string, unknown>;
}

interface Line {
  readonly offset: number;
  readonly line: number;
  /** Without its newline. */
  readonly bytes: Buffer;
}

const CHUNK = 1 << 18;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);
const FENCE = Buffer.from(`"type":"${RECOVERED}"`, 'latin1');

/**
 * The records from byte `fromOffset` (the start of a line) to the end, in constant memory. Without a
 * key: whether they are genuine is for verifyLog to say. Left out: lines that are no record, bytes
 * that an audit.recovered has fenced, and a last line without a newline.
 * @throws HaspError E_CHAIN_BROKEN if the log is missing, E_STORAGE if it can't be read
 */
export function* readRecords(home: Home, fromOffset = 0): Generator<StoredRecord, void, void> {
  for (const { offset, line, bytes } of readUnfenced(home, fromOffset)) {
    const record = parse(bytes);
    if (record) yield { offset, line, record };
  }
}

/**
 * The records from `since` on (milliseconds since 1970), after some older ones: read backwards from `sealedEnd` until one is
 * older. Where the clock was set back, records before that one may claim to be younger, and are left out.
 * @param sealedEnd what lies behind it may be no record, and is not asked where to begin
 * @throws HaspError as `readRecords`
 */
export function readRecordsSince(home: Home, since: number, sealedEnd: number): Generator<StoredRecord, void, void> {
  for (let window = CHUNK; ; window *= 2) {
    const from = Math.max(0, sealedEnd - window);
    const first = from === 0 ? undefined : firstRecord(home, from, sealedEnd);
    const isOlder = first !== undefined && Date.parse(String(first.record['time'])) < since;
    if (from === 0 || isOlder) return readRecords(home, first?.offset ?? 0);
  }
}

/**
 * Whether the record of a mark is still in the log: its MAC is that of all before it, too. Read backwards from `sealedEnd`,
 * which is behind that record, and without a key: what stands behind it may be forged by who had an old seal.
 * @throws HaspError as `readRecords`
 */
export function holdsMark(home: Home, { seq, mac }: AuditMark, sealedEnd: number): boolean {
  for (let window = MAX_RECORD; ; window *= 2) {
    const from = Math.max(0, sealedEnd - window);
    const macs = new Set<string>();
    let isBefore = from === 0;
    for (const { bytes } of wholeLines(home, from, sealedEnd)) {
      const claimed = claimedSeq(bytes, 0);
      if (claimed === seq) macs.add(hasTail(bytes, 0, bytes.length) ? storedMac(bytes, bytes.length) : '');
      if (claimed > 0 && claimed < seq) isBefore = true;
    }
    if (macs.size > 0 || isBefore) return macs.size === 1 && macs.has(mac);
  }
}

function firstRecord(home: Home, from: number, toOffset: number) {
  for (const { offset, bytes } of wholeLines(home, from, toOffset)) {
    const record = parse(bytes);
    if (record) return { offset, record };
  }
  return undefined;
}

/** Unfenced ones that begin behind `from`, which may be anywhere in a line, or with the log. */
function* wholeLines(home: Home, from: number, toOffset: number): Generator<Line, void, void> {
  for (const line of readUnfenced(home, from, toOffset)) if (line.offset > from || from === 0) yield line;
}

/** The lines that nothing has fenced, up to `toOffset` or the end; else as `readRecords`. */
export function* readUnfenced(home: Home, fromOffset: number, toOffset?: number): Generator<Line, void, void> {
  const fd = openLog(home.auditLog);
  try {
    const end = toOffset ?? fstatSync(fd).size;
    const fences = readFences(fd, fromOffset, end);
    for (const line of readLines(fd, fromOffset, end)) {
      if (!fences.some((fence) => line.offset >= fence.from && line.offset < fence.to)) yield line;
    }
  } catch (error) {
    throw asReadError(error);
  } finally {
    closeSync(fd);
  }
}

/** The first record, not verified; undefined where the log does not begin with one. @throws HaspError as `readRecords` */
export function readFirstRecord(home: Home): Record<string, unknown> | undefined {
  const fd = openLog(home.auditLog);
  try {
    for (const { bytes } of readLines(fd, 0, Math.min(MAX_RECORD, fstatSync(fd).size))) return parse(bytes);
    return undefined;
  } catch (error) {
    throw asReadError(error);
  } finally {
    closeSync(fd);
  }
}

/** Fenced stretches, last first. One that lies within a later one is foreign itself, and does not count. */
function readFences(fd: number, fromOffset: number, end: number): { from: number; to: number }[] {
  const fences: { from: number; to: number }[] = [];
  for (const { offset, bytes } of readLines(fd, fromOffset, end)) {
    if (!bytes.includes(FENCE)) continue;
    const record = parse(bytes);
    if (record?.['type'] !== RECOVERED) continue;
    const { offset: from, bytes: length } = record;
    if (typeof from === 'number' && from + Number(length) === offset) fences.unshift({ from, to: offset });
  }
  return fences.filter(
    (fence, index) => !fences.slice(0, index).some((later) => fence.to >= later.from && fence.to < later.to),
  );
}

/** Whole lines; one that is longer than any record is counted, and given without bytes. */
function* readLines(fd: number, fromOffset: number, end: number): Generator<Line, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  let lineOffset = fromOffset;
  let line = 1;
  for (let offset = fromOffset; offset < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - offset));
    const read = readFully(realDisk, fd, chunk, offset);
    if (read === 0) return;
    const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
    const bytesOffset = offset - rest.length;
    offset += read;
    let start = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, start)) {
      const isWhole = lineOffset === bytesOffset + start;
      yield { offset: lineOffset, line, bytes: isWhole ? bytes.subarray(start, at) : NOTHING };
      line += 1;
      start = at + 1;
      lineOffset = bytesOffset + start;
    }
    rest = bytes.length - start > MAX_RECORD ? NOTHING : bytes.subarray(start);
  }
}

function parse(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const record: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof record === 'object' && record !== null && 'seq' in record
      ? (record as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw asReadError(error);
    throw new HaspError('E_CHAIN_BROKEN', 'the audit log is missing', BROKEN_LOG_HINT);
  }
}
