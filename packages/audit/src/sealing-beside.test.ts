import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Scratch, scratchLog, secretSet } from '../test/scratch.ts';
import { type Disk, realDisk } from './disk.ts';
import { AuditLog } from './log.ts';
import { decodeSlot } from './seal.ts';
import { SealingBeside } from './sealing-beside.ts';

let log: Scratch;
let ours: AuditLog;
beforeEach(() => {
  log = scratchLog();
  ours = AuditLog.open(log.home, Date.now);
});
afterEach(() => {
  ours.close();
  log.remove();
});

/** What the two slots have. */
function slots(): (number | undefined)[] {
  const bytes = readFileSync(log.home.auditSeal);
  return [4096, 8192].map((at) => decodeSlot(bytes.subarray(at, at + 144))?.seq);
}

const quiet = async (): Promise<void> => {
  while (slots().filter((seq) => seq !== undefined).length > 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a seal that is synced beside', () => {
  it('is written on return, and alone once it is quiet', async () => {
    const beside = new SealingBeside(ours);
    let onDisk = 0;
    beside.append([secretSet(1), secretSet(2)], () => (onDisk += 1));
    expect([onDisk, slots()]).toEqual([1, [1, 3]]);
    await quiet();
    expect(slots().filter(Boolean)).toEqual([3]);
    expect(log.verify()).toMatchObject({ ok: true, records: 3 });
  });

  it('is written over the one before, so that none is older than the last append', () => {
    const beside = new SealingBeside(ours);
    for (let count = 1; count < 20; count += 1) {
      const { seq } = beside.append([secretSet(count)]);
      expect(slots().sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual([seq - 1, seq]);
    }
    beside.finish();
    expect(slots().filter(Boolean)).toEqual([20]);
  });

  it('of which another writer came behind is left to that one', async () => {
    const erase = vi.spyOn(ours, 'eraseOlderSeal');
    const beside = new SealingBeside(ours);
    beside.append([secretSet(1)]);
    log.append([secretSet(2)], realDisk, true);
    expect(slots().sort()).toEqual([2, 3]);
    const before = readFileSync(log.home.auditSeal);
    await vi.waitFor(() => expect(erase).toHaveBeenCalledOnce());
    expect(readFileSync(log.home.auditSeal).equals(before)).toBe(true);
    beside.append([secretSet(3)]);
    await quiet();
    expect(slots().filter(Boolean)).toEqual([4]);
    expect(log.verify()).toMatchObject({ ok: true, records: 4 });
  });

  it('goes with other writers, who finish it', () => {
    const beside = new SealingBeside(ours);
    for (let count = 1; count < 30; count += 1) {
      beside.append([secretSet(count)]);
      if (count % 3 === 0) {
        log.append([secretSet(100 + count)]);
        expect(slots().filter(Boolean)).toHaveLength(1);
      }
    }
    expect(beside.head().seq).toBe(39);
    expect(log.verify()).toMatchObject({ ok: true, records: 39 });
  });

  it('is not written over before it is known to be on the disk', async () => {
    const done: string[] = [];
    const watched: Disk = {
      ...realDisk,
      write(fd, from, at, length, position) {
        done.push(position === null ? 'log' : 'slot');
        return realDisk.write(fd, from, at, length, position);
      },
      datasync(fd) {
        done.push('sync');
        realDisk.datasync(fd);
      },
    };
    const own = AuditLog.open(log.home, Date.now, watched);
    const beside = new SealingBeside(own);
    beside.append([secretSet(1)]);
    expect(done.splice(0)).toEqual(['log', 'sync', 'slot']);
    // Right away: its sync can't have been told of.
    beside.append([secretSet(2)]);
    expect(done.splice(0)).toEqual(['log', 'sync', 'sync', 'slot']);
    // Another finds both slots taken, and knows of no sync.
    const other = AuditLog.open(log.home, Date.now, watched);
    other.append([secretSet(3)]);
    expect(done.splice(0)).toEqual(['log', 'sync', 'sync', 'slot', 'sync', 'slot']);
    beside.append([secretSet(4)]);
    expect(done.splice(0)).toEqual(['log', 'sync', 'slot']);
    await quiet();
    // The one before it is erased, and nobody waits for a disk.
    expect(done.splice(0)).toEqual(['slot']);
    other.close();
    own.close();
    expect(log.verify()).toMatchObject({ ok: true, records: 5 });
  });
});
