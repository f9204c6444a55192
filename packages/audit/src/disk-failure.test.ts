import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rootOf, type Scratch, scratchLog, secretSet, unsyncedDisk } from '../test/scratch.ts';
import type { Disk } from './disk.ts';
import { AuditLog } from './log.ts';

let log: Scratch;

beforeEach(() => {
  log = scratchLog();
  log.grow(2);
});
afterEach(() => log.remove());

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code });
}

const notWritten = expect.objectContaining({ code: 'E_AUDIT_WRITE', exitStatus: 5 });

describe('a disk that fails', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EFBIG'])(
    'with %s in the middle of a record: E_AUDIT_WRITE',
    (code) => {
      const disk: Disk = {
        ...unsyncedDisk,
        write(fd, from, at, length, position) {
          if (at > 0) throw failure(code);
          return unsyncedDisk.write(fd, from, at, Math.min(length, 30), position);
        },
      };
      for (let attempt = 0; attempt < 3; attempt++) expect(() => log.append([secretSet(9)], disk)).toThrow(notWritten);
      log.grow(1);
      expect(log.verify(log.mark)).toMatchObject({ ok: true, fenced: 1, records: 5 });
    },
  );

  it.each([0, 1])('in sync number %i: not acknowledged', (number) => {
    let syncs = 0;
    const disk: Disk = {
      ...unsyncedDisk,
      datasync() {
        if (syncs++ === number) throw failure('EIO');
      },
    };
    expect(() => log.append([secretSet(9)], disk)).toThrow(notWritten);
    log.grow(1);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, fenced: 0, records: 5 });
  });

  it('in the sync of the seal: whoever was told that it is on disk was told the truth', () => {
    let syncs = 0;
    const disk: Disk = {
      ...unsyncedDisk,
      datasync() {
        if (syncs++ === 1) throw failure('EIO');
      },
    };
    const told: number[] = [];
    const records = () => log.lines().length;
    expect(() => AuditLog.open(log.home, Date.now, disk).append([secretSet(9)], () => told.push(records()))).toThrow(
      notWritten,
    );
    expect(told).toEqual([4]);
    log.grow(1);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 5 });
  });

  it('that takes one byte at a time is written in full', () => {
    const disk: Disk = {
      ...unsyncedDisk,
      write: (fd, from, at, _, position) => unsyncedDisk.write(fd, from, at, 1, position),
    };
    log.append([secretSet(9)], disk);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 4 });
  });

  it("does not hide a programmer's error", () => {
    const disk: Disk = {
      ...unsyncedDisk,
      datasync() {
        throw new TypeError('not a failure of the disk');
      },
    };
    expect(() => log.append([secretSet(9)], disk)).toThrow(TypeError);
  });
});

describe('a record that is too long', () => {
  it('is refused, and nothing is written', () => {
    const before = log.bytes();
    const secret = 'x'.repeat(70_000);
    expect(() => log.append([secretSet(1), { type: 'secret.set', secret, version: 1 }])).toThrow(notWritten);
    expect(log.bytes().equals(before)).toBe(true);
  });

  it('is one of more than 65,536 bytes', () => {
    log.append([{ type: 'secret.set', secret: '', version: 1 }]);
    const empty = (log.lines().at(-1) as string).length + 1;
    const longest = { type: 'secret.set', secret: 'x'.repeat(65_536 - empty), version: 1 } as const;
    log.append([longest]);
    expect((log.lines().at(-1) as string).length).toBe(65_535);
    expect(() => log.append([{ ...longest, secret: `${longest.secret}x` }])).toThrow(notWritten);
    log.grow(1);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 6 });
  });
});

describe('files that may not be written', () => {
  it('are E_AUDIT_WRITE, and can still be verified', () => {
    chmodSync(log.home.root, 0o755);
    for (const file of [log.home.auditLog, log.home.auditSeal]) {
      asOrdinaryUser(() => {
        chmodSync(file, 0o400);
        expect(() => log.grow(1)).toThrow(notWritten);
        expect(log.verify(log.mark).ok).toBe(true);
        chmodSync(file, 0o600);
      });
    }
  });
});

/** Root may write everything: then another user owns the files and does the deed. */
function asOrdinaryUser(deed: () => void): void {
  const isRoot = os.userInfo().uid === 0;
  if (isRoot) {
    for (const file of [log.home.auditLog, log.home.auditSeal]) chownSync(file, 65_534, 65_534);
    process.seteuid?.(65_534);
  }
  try {
    deed();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** A file system of 64 KiB, if this machine lets us mount one. */
function mountSmallDisk(): string | undefined {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hasp-audit-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
}

const probe = mountSmallDisk();
if (probe !== undefined) unmount(probe);

describe('a full disk', () => {
  it.runIf(probe !== undefined)('is E_AUDIT_WRITE, and appending works again once there is room', () => {
    const disk = mountSmallDisk() as string;
    try {
      const small = scratchLog(rootOf(), disk);
      const filler = path.join(disk, 'filler');
      expect(() => writeFileSync(filler, Buffer.alloc(1 << 20))).toThrow('ENOSPC');
      // The last page of the log has room for some records.
      let acknowledged = 1;
      expect(() => {
        for (; ; acknowledged++) small.grow(1);
      }).toThrow(notWritten);
      expect(acknowledged).toBeGreaterThan(5);
      expect(small.verify(small.mark)).toMatchObject({
        ok: false,
        records: acknowledged,
        problem: { code: 'torn-tail' },
      });
      expect(() => small.grow(1)).toThrow(notWritten);
      rmSync(filler);
      small.grow(3);
      expect(small.verify(small.mark)).toMatchObject({ ok: true, records: acknowledged + 1 + 3, fenced: 1 });
    } finally {
      unmount(disk);
    }
  });
});
