import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rootOf, type Scratch, scratchLog } from '../test/scratch.ts';
import { AuditLog } from './log.ts';
import { restartLog, unfinishedRestart } from './restart.ts';
import { verifyLog } from './verify.ts';

const NEXT = rootOf('ff'.repeat(16), 9);
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));

let log: Scratch;
beforeEach(() => {
  log = scratchLog();
  log.grow(4);
  log.overwrite(log.bytes().toString().replace('"version":2', '"version":3'));
});
afterEach(() => log.remove());

function restart(clock = Date.now) {
  const report = log.verify(log.mark);
  if (report.problem === undefined) throw new Error('not broken');
  return restartLog(log.home, { ...report, problem: report.problem, ...log.root, mark: log.mark }, NEXT, clock);
}

/** Asked of another process: within one, SQLite keeps a list of its own. */
function lockIsHeld(): boolean {
  const code = `new (require('better-sqlite3'))(process.argv[1], { timeout: 0 }).exec('BEGIN IMMEDIATE')`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', code, log.home.auditSeal], {
    env: { NODE_PATH: MODULES },
  });
  if (status !== 0) expect(stderr.toString()).toContain('SQLITE_BUSY');
  return status !== 0;
}

describe('a restart', () => {
  it('keeps writers away from before it archives the log until the new one has its place', () => {
    const held: boolean[] = [];
    restart(() => {
      held.push(lockIsHeld());
      return Date.now();
    });
    expect(held).toEqual([true, true]);
    expect(lockIsHeld()).toBe(false);
  });

  it('is followed by a writer that had the log open, and leaves the archive as it was named', () => {
    const writer = AuditLog.open(log.home, Date.now);
    writer.append([{ type: 'secret.set', secret: 'a', version: 1 }]);
    const { archive = '', mark } = restart();
    const end = writer.append([{ type: 'secret.set', secret: 'a', version: 2 }]);
    writer.close();
    expect(end).toMatchObject({ chain: NEXT.chain, seq: 2 });
    expect(verifyLog(log.home, NEXT, mark)).toMatchObject({ ok: true, records: 2 });
    const first = JSON.parse(log.lines()[0] ?? '') as { archive: { sha256: string } };
    const bytes = readFileSync(path.join(log.home.root, archive));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(first.archive.sha256);
  });

  it('is found unfinished by who still knows the chain before it, and by nobody else', () => {
    expect(unfinishedRestart(log.home, log.root.chain)).toBeUndefined();
    restart();
    expect(unfinishedRestart(log.home, log.root.chain)).toBe(NEXT.chain);
    expect(unfinishedRestart(log.home, NEXT.chain)).toBeUndefined();
  });
});
