import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { Home } from '@hasp/core';
import { MAC_END } from './chain.ts';
import { openIfThere, readFully, realDisk } from './disk.ts';
import { asReadError } from './failures.ts';
import { claimedSeq, hasTail, MAX_RECORD, storedMac } from './record.ts';

/** The first bytes of the log. */
export interface Prefix {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Lines that end in it. */
  readonly lines: number;
  /** The record that it ends with; undefined where it ends otherwise. */
  readonly last?: { readonly seq: number; readonly mac: string };
}

const CHUNK = 1 << 20;
const NEWLINE = 0x0a;

/** The first `size` bytes, or as many as there are: none where there is no log. @throws HaspError E_STORAGE */
export function readPrefix(home: Home, size: number): Prefix {
  const prefix = withLog(home, (fd) => {
    const sha256 = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK);
    let lines = 0;
    let bytes = 0;
    while (bytes < size) {
      const read = readFully(realDisk, fd, chunk.subarray(0, Math.min(CHUNK, size - bytes)), bytes);
      if (read === 0) break;
      const part = chunk.subarray(0, read);
      sha256.update(part);
      lines += countLines(part);
      bytes += read;
    }
    const last = lastRecord(fd, bytes);
    return { bytes, sha256: sha256.digest('hex'), lines, ...(last === undefined ? {} : { last }) };
  });
  return prefix ?? { bytes: 0, sha256: createHash('sha256').digest('hex'), lines: 0 };
}

/** The prefix that ends with the record of this MAC; undefined where there is none. @throws HaspError as `readPrefix` */
export function readPrefixUpTo(home: Home, mac: string): Prefix | undefined {
  const end = endOfRecord(home, mac);
  return end === undefined ? undefined : readPrefix(home, end);
}

/** Where the record of this MAC ends. @throws HaspError as `readPrefix` */
export function endOfRecord(home: Home, mac: string): number | undefined {
  return withLog(home, (fd) => findEnd(fd, `${mac}${MAC_END}`));
}

function findEnd(fd: number, needle: string): number | undefined {
  const chunk = Buffer.allocUnsafe(CHUNK);
  for (let offset = 0; ; offset += CHUNK - needle.length) {
    const read = readFully(realDisk, fd, chunk, offset);
    const found = chunk.subarray(0, read).indexOf(needle, 0, 'latin1');
    if (found >= 0) return offset + found + needle.length;
    if (read < CHUNK) return undefined;
  }
}

function lastRecord(fd: number, end: number): Prefix['last'] {
  const bytes = Buffer.alloc(Math.min(end, MAX_RECORD + 1));
  if (bytes.length < 2 || readFully(realDisk, fd, bytes, end - bytes.length) !== bytes.length) return undefined;
  const lineEnd = bytes.length - 1;
  if (bytes[lineEnd] !== NEWLINE) return undefined;
  const from = bytes.lastIndexOf(NEWLINE, lineEnd - 1) + 1;
  const seq = claimedSeq(bytes, from);
  return seq < 0 || !hasTail(bytes, from, lineEnd) ? undefined : { seq, mac: storedMac(bytes, lineEnd) };
}

function countLines(part: Buffer): number {
  let lines = 0;
  for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

function withLog<T>(home: Home, deed: (fd: number) => T): T | undefined {
  let fd: number | undefined;
  try {
    fd = openIfThere(home.auditLog, 'r');
    return fd === undefined ? undefined : deed(fd);
  } catch (error) {
    throw asReadError(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
