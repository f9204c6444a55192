/**
 * audit.seal: what the next append needs. 12,288 bytes:
 *
 *      0  an SQLite database of one page without a table, never written again: its locks keep writers apart
 *   4096  slot A   (144 bytes, the rest zero)
 *   8192  slot B
 *
 * A slot, integers big-endian:
 *
 *      0   8  "haspseal"
 *      8   4  version, 1
 *     12   4  zero
 *     16  16  chain id
 *     32   8  seq of the last sealed record
 *     40   8  offset: size of the log behind that record
 *     48  32  MAC of that record
 *     80  32  k_(seq+1)
 *    112  32  SHA-256("hasp/audit/v1 seal" || bytes 0 to 112)
 *
 * The valid slot with the higher seq is the seal. A new one is written into the other slot and
 * synced before the old one is zeroed: so one valid slot is on disk at every moment, and no key
 * outlives the record that it sealed. Who meets two syncs before it writes over the older.
 */
import { hash } from 'node:crypto';
import { BROKEN_LOG_HINT, HaspError } from '@hasp/core';
import { KEY_BYTES, LINK_BYTES } from './chain.ts';
import { type Disk, readFully, writeFully } from './disk.ts';

export interface Seal {
  /** 32 hex digits. */
  readonly chain: string;
  readonly seq: number;
  /** Bytes of the log that are sealed. */
  readonly offset: number;
  /** 64 hex digits. */
  readonly mac: string;
  /** k_(seq+1); zeroed by who holds the seal. */
  readonly key: Buffer;
}

export interface StoredSeal extends Seal {
  /** 0 or 1: where it stands. */
  readonly slot: number;
  /** The one before it is in the other slot, so this one may not be on the disk yet. */
  readonly hasOlder: boolean;
}

const PAGE = 4096;
const SLOT_BYTES = 144;
const CHECKED = 112;
const MAGIC = 'haspseal';
const CHECK_LABEL = Buffer.from('hasp/audit/v1 seal', 'latin1');
const SEAL_BYTES = 3 * PAGE;

const slotOffset = (slot: number): number => PAGE * (slot + 1);

/**
 * An empty SQLite database of one 4096-byte page (https://sqlite.org/fileformat2.html, sections 1.3
 * and 1.6): rollback journal, and change counter = version-valid-for, so that the size in the header
 * (1 page) counts and SQLite does not mind the slots behind it.
 */
export function lockPage(): Buffer {
  const page = Buffer.alloc(PAGE);
  page.write('SQLite format 3\0', 0, 'latin1');
  page.writeUInt16BE(PAGE, 16);
  page.set([1, 1, 0, 64, 32, 32], 18);
  page.writeUInt32BE(1, 24);
  page.writeUInt32BE(1, 28);
  page.writeUInt32BE(4, 44);
  page.writeUInt32BE(1, 56);
  page.write('hasp', 68, 'latin1');
  page.writeUInt32BE(1, 92);
  page.writeUInt32BE(3_045_000, 96);
  page[100] = 0x0d;
  page.writeUInt16BE(PAGE, 105);
  return page;
}

export function encodeSlot(seal: Seal): Buffer {
  const bytes = Buffer.alloc(SLOT_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32BE(1, 8);
  bytes.write(seal.chain, 16, 'hex');
  bytes.writeBigUInt64BE(BigInt(seal.seq), 32);
  bytes.writeBigUInt64BE(BigInt(seal.offset), 40);
  bytes.write(seal.mac, 48, 'hex');
  bytes.set(seal.key, 80);
  bytes.set(checksum(bytes), CHECKED);
  return bytes;
}

/** The seal in these 144 bytes, its key a copy; undefined if they are not a whole slot. */
export function decodeSlot(bytes: Buffer): Seal | undefined {
  if (bytes.toString('latin1', 0, 8) !== MAGIC || bytes.readUInt32BE(8) !== 1) return undefined;
  if (!checksum(bytes).equals(bytes.subarray(CHECKED, SLOT_BYTES))) return undefined;
  const seq = Number(bytes.readBigUInt64BE(32));
  const offset = Number(bytes.readBigUInt64BE(40));
  if (seq < 1 || offset < LINK_BYTES || !Number.isSafeInteger(seq) || !Number.isSafeInteger(offset)) return undefined;
  return {
    chain: bytes.toString('hex', 16, 32),
    seq,
    offset,
    mac: bytes.toString('hex', 48, 80),
    key: Buffer.from(bytes.subarray(80, 80 + KEY_BYTES)),
  };
}

/** All of a new audit.seal. */
export function encodeSealFile(seal: Seal): Buffer {
  const bytes = Buffer.alloc(SEAL_BYTES);
  bytes.set(lockPage(), 0);
  const slot = encodeSlot(seal);
  bytes.set(slot, slotOffset(0));
  slot.fill(0);
  return bytes;
}

/** The newest whole slot, or undefined: neither is whole, or the lock's page is not as it was made. */
export function readSeal(disk: Disk, fd: number): StoredSeal | undefined {
  const bytes = Buffer.alloc(slotOffset(1) + SLOT_BYTES);
  if (readFully(disk, fd, bytes, 0) !== bytes.length || !bytes.subarray(0, PAGE).equals(lockPage())) return undefined;
  let newest: StoredSeal | undefined;
  for (const slot of [0, 1]) {
    const seal = decodeSlot(bytes.subarray(slotOffset(slot), slotOffset(slot) + SLOT_BYTES));
    if (!seal) continue;
    if (newest && newest.seq >= seal.seq) {
      seal.key.fill(0);
      newest = { ...newest, hasOlder: true };
    } else {
      newest?.key.fill(0);
      newest = { ...seal, slot, hasOlder: newest !== undefined };
    }
  }
  bytes.fill(0);
  return newest;
}

/** Puts `seal` in the place of `old`. The log must be synced up to seal.offset. */
export type Sealer = (disk: Disk, fd: number, old: StoredSeal, seal: Seal) => void;

export const replaceSeal: Sealer = (disk, fd, old, seal) => {
  if (old.hasOlder) disk.datasync(fd);
  writeBeside(disk, fd, old, seal);
  disk.datasync(fd);
  eraseSlot(disk, fd, old.slot);
};

/** The first step of it: writes it into the slot that is free, or has one that is older than `old`, which is on the disk. */
export function writeBeside(disk: Disk, fd: number, old: StoredSeal, seal: Seal): void {
  const slot = encodeSlot(seal);
  writeFully(disk, fd, slot, slotOffset(1 - old.slot));
  slot.fill(0);
}

/** The last step of it: erases the other slot, if the newest seal still has that MAC. It must be on the disk. */
export function eraseOlder(disk: Disk, fd: number, mac: string): void {
  const newest = readSeal(disk, fd);
  newest?.key.fill(0);
  if (newest?.mac === mac) eraseSlot(disk, fd, 1 - newest.slot);
}

function eraseSlot(disk: Disk, fd: number, slot: number): void {
  writeFully(disk, fd, Buffer.alloc(SLOT_BYTES), slotOffset(slot));
}

/** No key is left in a seal that is no longer used. */
export function wipeSlots(disk: Disk, fd: number): void {
  const nothing = Buffer.alloc(PAGE);
  for (const slot of [0, 1]) writeFully(disk, fd, nothing, slotOffset(slot));
  disk.datasync(fd);
}

/** Neither append nor head can go on without a seal. */
export function sealDamaged(): HaspError {
  return new HaspError('E_CHAIN_BROKEN', 'the seal of the audit log is damaged', BROKEN_LOG_HINT);
}

function checksum(bytes: Buffer): Buffer {
  return hash('sha256', Buffer.concat([CHECK_LABEL, bytes.subarray(0, CHECKED)]), 'buffer');
}
