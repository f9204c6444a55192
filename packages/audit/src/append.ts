import { fstatSync } from 'node:fs';
import { type AuditEvent, type AuditMark, BROKEN_LOG_HINT, type Clock, HaspError } from '@hasp/core';
import { LINK_BYTES, MAC_END, nextKey, Ratchet } from './chain.ts';
import { type Disk, readFully, writeFully } from './disk.ts';
import { measure } from './fence.ts';
import { encodeRecord, MAX_SLICE, RECOVERED } from './record.ts';
import { type Position, scan } from './scan.ts';
import { readSeal, replaceSeal, type Sealer, type StoredSeal, sealDamaged } from './seal.ts';
import { LogWindow } from './window.ts';

export interface AppendFiles {
  readonly disk: Disk;
  /** audit.jsonl, open for reading and appending. */
  readonly log: number;
  /** audit.seal, open for reading and writing. */
  readonly seal: number;
}

/** The end of the log with its size in bytes. */
export type SealedHead = AuditMark & { readonly offset: number };

export interface AppendOptions {
  readonly onDisk?: (() => void) | undefined;
  /** How the seal is replaced, if not at once. */
  readonly sealer?: Sealer | undefined;
  /** Where the caller's last append ended. */
  readonly last?: SealedHead | undefined;
}

/** Where the next record goes. */
interface Tip {
  seq: number;
  mac: string;
  key: Buffer;
  /** Size of the log once `repair` is written. */
  offset: number;
  /** What must stand before the next record: nothing, the newline of a whole record, or the end of a foreign line. */
  repair: Buffer;
  foreign?: {
    readonly type: typeof RECOVERED;
    readonly offset: number;
    readonly bytes: number;
    readonly sha256: string;
  };
}

/**
 * Appends the events, in one write and two syncs. The caller holds the lock.
 *  1. Read the seal.
 *  2. The log must end where the seal says, or have more behind it: then catch up (see scan) and
 *     fence what no record accounts for.
 *  3. Write the records, sync. From here on they are part of the log, whatever happens: `onDisk` is called.
 *  4. Write the new seal, sync, zero the old one; or leave that to the next writer.
 * @throws HaspError E_CHAIN_BROKEN before anything is written; what the disk throws
 */
export function appendRecords(
  files: AppendFiles,
  events: readonly AuditEvent[],
  clock: Clock,
  { onDisk, sealer = replaceSeal, last }: AppendOptions = {},
): SealedHead {
  const { disk } = files;
  const seal = readSeal(disk, files.seal);
  if (!seal) throw sealDamaged();
  const tip = findTip(files, seal);
  seal.key.fill(0);
  try {
    if (hasMoved(last, seal)) requireHeld(disk, files.log, last);
    const bytes = encodeEvents(tip, events, clock());
    writeFully(disk, files.log, bytes, null);
    disk.datasync(files.log);
    onDisk?.();
    const { seq, offset, mac, key } = tip;
    sealer(disk, files.seal, seal, { chain: seal.chain, seq, offset, mac, key });
    return { chain: seal.chain, seq, mac, offset };
  } finally {
    tip.key.fill(0);
  }
}

/** Of another chain, as after a recovery, nothing is known. */
export function hasMoved(last: SealedHead | undefined, now: AuditMark): last is SealedHead {
  return last !== undefined && now.chain === last.chain && now.mac !== last.mac;
}

/**
 * The log still has the record that it ended with before: its MAC is that of all before it, too. A log that was put back
 * has another there, or nothing, however far it has grown since. @throws HaspError E_CHAIN_BROKEN
 */
export function requireHeld(disk: Disk, log: number, { mac, offset }: SealedHead): void {
  const end = Buffer.alloc(LINK_BYTES);
  const read = readFully(disk, log, end, offset - LINK_BYTES);
  if (read === LINK_BYTES && end.toString('latin1') === mac + MAC_END) return;
  throw new HaspError('E_CHAIN_BROKEN', 'the audit log was put back to an earlier copy', BROKEN_LOG_HINT);
}

/** All that is to be written, and moves the tip to its end. */
function encodeEvents(tip: Tip, events: readonly AuditEvent[], time: number): Buffer {
  const parts = [tip.repair];
  for (const event of tip.foreign ? [tip.foreign, ...events] : events) {
    const { bytes, mac } = encodeRecord(event, { seq: tip.seq + 1, time, previousMac: tip.mac, key: tip.key });
    parts.push(bytes);
    const key = nextKey(tip.key);
    tip.key.fill(0);
    tip.key = key;
    tip.seq += 1;
    tip.mac = mac;
    tip.offset += bytes.length;
  }
  return Buffer.concat(parts);
}

/** Checks the sealed end of the log and, where there is more, what follows it. */
function findTip(files: AppendFiles, seal: StoredSeal): Tip {
  const end = Buffer.alloc(LINK_BYTES + 1);
  const read = readFully(files.disk, files.log, end, seal.offset - LINK_BYTES);
  if (read < LINK_BYTES || end.toString('latin1', 0, LINK_BYTES) !== seal.mac + MAC_END) {
    throw new HaspError('E_CHAIN_BROKEN', 'the end of the audit log is not the one that was sealed', BROKEN_LOG_HINT);
  }
  const tip = {
    seq: seal.seq,
    mac: seal.mac,
    key: Buffer.from(seal.key),
    offset: seal.offset,
    repair: Buffer.alloc(0),
  };
  return read === LINK_BYTES ? tip : catchUp(files, tip);
}

function catchUp(files: AppendFiles, from: Tip): Tip {
  const { size } = fstatSync(files.log);
  const last = Buffer.alloc(1);
  readFully(files.disk, files.log, last, size - 1);
  const window = new LogWindow(files.disk, files.log, size, { closeLastLine: last.toString('latin1') !== '\n' });
  const ratchet = new Ratchet(from.key, MAX_SLICE);
  const at: Position = { seq: from.seq, mac: from.mac, offset: from.offset, line: 0, lastOffset: -1, fenced: 0 };
  scan(window, at, ratchet);
  from.key.fill(0);
  const tip = { seq: at.seq, mac: at.mac, key: ratchet.key() };
  ratchet.wipe();
  const repair = Buffer.from(window.closedEnd > size ? '\n' : '', 'latin1');
  if (at.offset >= window.closedEnd) return { ...tip, offset: window.closedEnd, repair };
  const { sha256 } = measure(window, at.offset, window.closedEnd);
  const foreign = { type: RECOVERED, offset: at.offset, bytes: window.closedEnd - at.offset, sha256 } as const;
  return { ...tip, offset: window.closedEnd, repair, foreign };
}
