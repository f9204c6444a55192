import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, unlinkSync } from 'node:fs';
import { type AuditEvent, type AuditMark, type Clock, HaspError, type Home } from '@hasp/core';
import { GENESIS_MAC, KEY_BYTES, nextKey } from './chain.ts';
import { realDisk, writeFully } from './disk.ts';
import { asWriteError, isErrno } from './failures.ts';
import { encodeRecord } from './record.ts';
import { encodeSealFile } from './seal.ts';

/** Where a chain begins: made by the vault, and kept in it. */
export interface ChainRoot {
  /** 32 hex digits. */
  readonly chain: string;
  /** 32 bytes. */
  readonly k0: Uint8Array;
}

/**
 * Makes audit.jsonl with its first record, and audit.seal, both 0600 and synced with their folder.
 * If that fails, what it made is gone again.
 * @param first names the chain: `vault.created` with chain = root.chain
 * @throws HaspError E_EXISTS if either file is there (nothing is touched), E_AUDIT_WRITE
 */
export function createLog(home: Home, root: ChainRoot, first: AuditEvent, clock: Clock): AuditMark {
  if (!/^[0-9a-f]{32}$/.test(root.chain) || root.k0.length !== KEY_BYTES) throw new Error('not a chain root');
  if (!('chain' in first) || first.chain !== root.chain) throw new Error('the first record must name its chain');
  if (existsSync(home.auditSeal)) throw alreadyThere();
  const key = nextKey(root.k0);
  const { bytes, mac } = encodeRecord(first, { seq: 1, time: clock(), previousMac: GENESIS_MAC, key });
  const next = nextKey(key);
  key.fill(0);
  const seal = encodeSealFile({ chain: root.chain, seq: 1, offset: bytes.length, mac, key: next });
  next.fill(0);
  const made: string[] = [];
  try {
    createFile(home.auditLog, bytes, made);
    createFile(home.auditSeal, seal, made);
    syncFolder(home.root);
  } catch (error) {
    for (const path of made) unlinkSync(path);
    throw asWriteError(error);
  } finally {
    seal.fill(0);
  }
  return { chain: root.chain, seq: 1, mac };
}

function createFile(path: string, bytes: Buffer, made: string[]): void {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw isErrno(error, 'EEXIST') ? alreadyThere() : error;
  }
  try {
    made.push(path);
    // The umask can take bits away from the mode given to open.
    fchmodSync(fd, 0o600);
    writeFully(realDisk, fd, bytes, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function alreadyThere(): HaspError {
  return new HaspError('E_EXISTS', 'there is an audit log already', 'use another HASP_HOME, or keep the one you have');
}
