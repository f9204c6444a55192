import { existsSync, unlinkSync } from 'node:fs';
import { type AuditEvent, type AuditMark, type Clock, HaspError, type Home } from '@hasp/core';
import { GENESIS_MAC, KEY_BYTES, nextKey } from './chain.ts';
import { asWriteError, isErrno } from './failures.ts';
import { createFile, syncPath } from './new-file.ts';
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
  if (existsSync(home.auditSeal)) throw alreadyThere();
  const { log, seal, mac } = encodeNewLog(root, first, clock);
  const made: string[] = [];
  try {
    for (const [path, bytes] of [
      [home.auditLog, log],
      [home.auditSeal, seal],
    ] as const) {
      createFile(path, bytes);
      made.push(path);
    }
    syncPath(home.root);
  } catch (error) {
    for (const path of made) unlinkSync(path);
    throw isErrno(error, 'EEXIST') ? alreadyThere() : asWriteError(error);
  } finally {
    seal.fill(0);
  }
  return { chain: root.chain, seq: 1, mac };
}

/** Both files of a new chain, whole. The caller wipes `seal`, which holds the next key. */
export function encodeNewLog(
  root: ChainRoot,
  first: AuditEvent,
  clock: Clock,
): { readonly log: Buffer; readonly seal: Buffer; readonly mac: string } {
  if (!/^[0-9a-f]{32}$/.test(root.chain) || root.k0.length !== KEY_BYTES) throw new Error('not a chain root');
  if (!('chain' in first) || first.chain !== root.chain) throw new Error('the first record must name its chain');
  const key = nextKey(root.k0);
  const { bytes, mac } = encodeRecord(first, { seq: 1, time: clock(), previousMac: GENESIS_MAC, key });
  const next = nextKey(key);
  key.fill(0);
  const seal = encodeSealFile({ chain: root.chain, seq: 1, offset: bytes.length, mac, key: next });
  next.fill(0);
  return { log: bytes, seal, mac };
}

function alreadyThere(): HaspError {
  return new HaspError('E_EXISTS', 'there is an audit log already', 'use another HASP_HOME, or keep the one you have');
}
