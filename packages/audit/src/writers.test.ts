import { once } from 'node:events';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildWriter, type WriterProgram } from '../test/program.ts';
import { type Scratch, scratchLog } from '../test/scratch.ts';
import { openSealFile } from './lock.ts';
import { AuditLog } from './log.ts';

let writer: WriterProgram;
let log: Scratch;

beforeAll(() => {
  writer = buildWriter();
});
afterAll(() => writer.remove());
beforeEach(() => {
  log = scratchLog();
});
afterEach(() => log.remove());

/** What one process was told to be on disk. */
interface Acknowledged {
  readonly name: string;
  readonly versions: readonly number[];
  readonly stderr: string;
}

/** Runs a writer; kills it with -9 as soon as it says that `killAfter` records are on disk. */
async function write(
  name: string,
  count: number,
  options: { piece?: number; killAfter?: number } = {},
): Promise<Acknowledged> {
  const child = writer.start('append', log.home.root, name, count, ...(options.piece ? [options.piece] : []));
  const versions: number[] = [];
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    versions.push(Number(line));
    if (versions.length === options.killAfter) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return { name, versions, stderr };
}

function recorded(name: string): number[] {
  return log.lines().flatMap((line) => {
    try {
      const record = JSON.parse(line) as { secret?: string; version?: number };
      return record.secret === name && record.version !== undefined ? [record.version] : [];
    } catch {
      return [];
    }
  });
}

describe('several processes that write at once', () => {
  it('make one chain with every record of each, in its order', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => write(`w${i}`, 25)));
    for (const { name, versions, stderr } of all) {
      expect(stderr).toBe('');
      expect(versions).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
      expect(recorded(name)).toEqual(versions);
    }
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 1 + 8 * 25, fenced: 0 });
  });

  it('lose nothing that was acknowledged when they are killed with -9 over and over', async () => {
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < 5; round++) {
      const writers = Array.from({ length: 4 }, (_, i) =>
        write(`r${round}w${i}`, 1000, {
          killAfter: 1 + ((round * 7 + i * 5) % 13),
          ...(i % 2 === 0 ? { piece: 60 } : {}),
        }),
      );
      acknowledged.push(...(await Promise.all(writers)));
    }
    log.grow(1);
    expect(log.verify(log.mark).ok).toBe(true);
    for (const { name, versions, stderr } of acknowledged) {
      expect(stderr).toBe('');
      expect(recorded(name).slice(0, versions.length)).toEqual(versions);
      expect(new Set(recorded(name)).size).toBe(recorded(name).length);
    }
  });
});

/** Whether some process holds the lock, as SQLite itself sees it. */
function isHeld(): boolean {
  const database = new Database(log.home.auditSeal, { timeout: 0, fileMustExist: true });
  try {
    database.exec('BEGIN IMMEDIATE; ROLLBACK');
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'SQLITE_BUSY' });
    return true;
  } finally {
    database.close();
  }
}

describe('the lock', () => {
  it('is held by the process that appends until its seal is written, though it opens and closes the log', async () => {
    expect(isHeld()).toBe(false);
    const child = writer.start('hold', log.home.root);
    await once(child.stdout, 'data');
    expect(isHeld()).toBe(true);
    const waiting = write('behind', 1);
    child.stdin.end();
    await once(child, 'close');
    expect(await waiting).toMatchObject({ versions: [1], stderr: '' });
    expect(isHeld()).toBe(false);
    expect(recorded('held').concat(recorded('behind'))).toEqual([1, 1]);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 3 });
  });

  it('is free again when its holder is killed', async () => {
    const child = writer.start('hold', log.home.root);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(isHeld()).toBe(false);
    log.grow(1);
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 3 });
  });

  it('that stays with another process is an error in the end', async () => {
    const child = writer.start('hold', log.home.root);
    await once(child.stdout, 'data');
    const file = openSealFile(log.home.auditSeal, 20);
    const deed = vi.fn();
    expect(() => file.locked(deed)).toThrow(expect.objectContaining({ code: 'E_AUDIT_WRITE' }));
    expect(deed).not.toHaveBeenCalled();
    child.stdin.end();
    await once(child, 'close');
    file.locked(deed);
    expect(deed).toHaveBeenCalledOnce();
    file.close();
  });

  it('does not stop a look at the sealed end', async () => {
    const before = AuditLog.open(log.home, Date.now);
    const head = before.head();
    const child = writer.start('hold', log.home.root);
    await once(child.stdout, 'data');
    expect(before.head()).toEqual(head);
    before.close();
    child.stdin.end();
    await once(child, 'close');
  });

  it('is kept by one log of a process when another one of the same process is closed', () => {
    const one = AuditLog.open(log.home, Date.now);
    const two = AuditLog.open(log.home, Date.now);
    one.append([{ type: 'auth.failed', keySource: 'one' }]);
    two.append([{ type: 'auth.failed', keySource: 'two' }]);
    two.close();
    one.append([{ type: 'auth.failed', keySource: 'one' }]);
    one.close();
    expect(log.verify(log.mark)).toMatchObject({ ok: true, records: 4 });
  });
});
