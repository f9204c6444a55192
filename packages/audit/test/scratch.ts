import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type AuditEvent, type AuditMark, type Home, homeAt } from '@hasp/core';
import { type ChainRoot, createLog } from '../src/create.ts';
import { type Disk, realDisk } from '../src/disk.ts';
import { AuditLog } from '../src/log.ts';
import { type Sealer, writeBeside } from '../src/seal.ts';
import { type VerifyReport, verifyLog } from '../src/verify.ts';

const CHAIN = '00112233445566778899aabbccddeeff';

/** The real disk without its waits: what a kill leaves behind is the same, a power cut is not tried here. */
export const unsyncedDisk: Disk = { ...realDisk, datasync: () => undefined };

export function rootOf(chain = CHAIN, byte = 7): ChainRoot {
  return { chain, k0: new Uint8Array(32).fill(byte) };
}

export function created(chain = CHAIN): AuditEvent {
  return { type: 'vault.created', chain, vault: 'test', keySource: 'key-file' };
}

export function secretSet(version: number): AuditEvent {
  return { type: 'secret.set', secret: 'db/url', version };
}

/** As a killed `SealingBeside` leaves it. */
const leftAsItIs: Sealer = (disk, fd, old, seal) => {
  if (old.hasOlder) disk.datasync(fd);
  writeBeside(disk, fd, old, seal);
};

/** A log in a folder of its own. */
export interface Scratch {
  readonly home: Home;
  readonly root: ChainRoot;
  /** Of the last append made here. */
  mark: AuditMark;
  /** Appends that many secret.set records, one by one. */
  grow(records: number): AuditMark;
  /** @param beside the seal is left as it is right after the append */
  append(events: readonly AuditEvent[], disk?: Disk, beside?: boolean): AuditMark;
  verify(mark?: AuditMark): VerifyReport;
  bytes(): Buffer;
  lines(): string[];
  /** Replaces the log's bytes, as one with the disk in hand would. */
  overwrite(bytes: string | Buffer): void;
  litter(bytes: string | Buffer): void;
  remove(): void;
}

export function scratchLog(root = rootOf(), parent = os.tmpdir()): Scratch {
  const home = homeAt(mkdtempSync(path.join(parent, 'hasp-audit-')));
  let time = Date.UTC(2026, 10, 21, 14, 3, 7, 123);
  const clock = () => time++;
  const scratch: Scratch = {
    home,
    root,
    mark: createLog(home, root, created(root.chain), clock),
    grow(records) {
      for (let i = 0; i < records; i++) scratch.append([secretSet(i + 1)]);
      return scratch.mark;
    },
    append(events, disk = unsyncedDisk, beside = false) {
      const log = AuditLog.open(home, clock, disk);
      try {
        scratch.mark = beside ? log.append(events, undefined, leftAsItIs) : log.append(events);
        return scratch.mark;
      } finally {
        log.close();
      }
    },
    verify: (mark) => verifyLog(home, root, mark),
    bytes: () => readFileSync(home.auditLog),
    lines: () => readFileSync(home.auditLog, 'latin1').split('\n').slice(0, -1),
    overwrite: (bytes) => writeFileSync(home.auditLog, bytes),
    litter: (bytes) => appendFileSync(home.auditLog, bytes),
    remove: () => rmSync(home.root, { recursive: true, force: true }),
  };
  return scratch;
}
