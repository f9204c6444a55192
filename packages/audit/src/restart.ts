import { closeSync, renameSync } from 'node:fs';
import { type AuditMark, type AuditRestartedEvent, type Clock, HaspError, type Home } from '@hasp/core';
import { type ArchiveReport, archiveLog } from './archive.ts';
import { GENESIS_MAC } from './chain.ts';
import { type ChainRoot, encodeNewLog } from './create.ts';
import { openIfThere, realDisk } from './disk.ts';
import { asWriteError } from './failures.ts';
import { openSealFile } from './lock.ts';
import { createAside, syncPath } from './new-file.ts';
import type { Problem } from './problem.ts';
import { readFirstRecord } from './read.ts';
import { wipeSlots } from './seal.ts';
import { sealIn, sealState } from './seal-state.ts';
import type { VerifyReport } from './verify.ts';

export interface BrokenLog extends VerifyReport {
  readonly problem: Problem;
  /** The vault's. */
  readonly chain: string;
  readonly mark: AuditMark | undefined;
}

export interface RestartedLog {
  /** To be noted by the vault as its new chain and mark. */
  readonly mark: AuditMark;
  /** Names of files in the home. */
  readonly archive?: string;
  readonly report: string;
}

/**
 * Puts a broken log aside and begins a new chain in its place. The caller has a person's word for it, keeps the vault
 * from changing, and notes the new mark there if this returns.
 *  1. No writer is at the log: the lock is held, where the seal is one that can be locked.
 *  2. The log gets a second name, and a report beside it; synced.
 *  3. The new chain is made under other names; synced.
 *  4. The new seal takes its place, then the new log; synced. From the first of the two on nobody can append to the old
 *     one, whose key is overwritten. Writers that wait for the lock see that the seal is another file.
 * Killed before 4: all is as it was, and the next attempt uses the archive's name again. Killed within 4: the log is
 * broken in one more way. Killed after 4, before the vault has noted it: `unfinishedRestart` finds it.
 * @param next its chain id and first key
 * @throws HaspError E_AUDIT_WRITE
 */
export function restartLog(home: Home, broken: BrokenLog, next: ChainRoot, clock: Clock): RestartedLog {
  try {
    return withoutWriters(home, (sealFd) => {
      const { problem, records, head, fenced, chain, mark } = broken;
      const { report, log } = archiveLog(home, {
        archivedAt: new Date(clock()).toISOString(),
        chain,
        problem,
        records,
        head,
        fenced,
        mark: mark === undefined ? null : { seq: mark.seq, mac: mark.mac },
        seal: sealFd === undefined ? sealState(home) : sealIn(sealFd),
        next: next.chain,
      });
      const first: AuditRestartedEvent = {
        type: 'audit.restarted',
        chain: next.chain,
        previous: { chain, seq: head?.seq ?? 0, mac: head?.mac ?? GENESIS_MAC },
        problem: problem.code,
        ...archiveOf(log),
      };
      const made = encodeNewLog(next, first, clock);
      replaceFiles(home, made.log, made.seal, sealFd);
      made.seal.fill(0);
      const restarted = { mark: { chain: next.chain, seq: 1, mac: made.mac }, report };
      return log === null ? restarted : { ...restarted, archive: log.file };
    });
  } catch (error) {
    throw asWriteError(error);
  }
}

/** The chain that a restart began from `chain`, where it was killed before the vault could note it. */
export function unfinishedRestart(home: Home, chain: string): string | undefined {
  try {
    const record = readFirstRecord(home) as Partial<AuditRestartedEvent> | undefined;
    const isFollower = record?.type === 'audit.restarted' && record.previous?.chain === chain;
    return isFollower && /^[0-9a-f]{32}$/.test(String(record.chain)) ? record.chain : undefined;
  } catch (error) {
    if (error instanceof HaspError && error.code === 'E_CHAIN_BROKEN') return undefined;
    throw error;
  }
}

function archiveOf(log: ArchiveReport['log']): Pick<AuditRestartedEvent, 'archive'> {
  if (log === null) return {};
  const { file, bytes, sha256 } = log;
  return { archive: { file, bytes, sha256 } };
}

function replaceFiles(home: Home, log: Buffer, seal: Buffer, sealFd: number | undefined): void {
  const files = [
    [home.auditSeal, seal],
    [home.auditLog, log],
  ] as const;
  const made = files.map(([path, bytes]) => [createAside(path, bytes), path] as const);
  const old = sealFd ?? openIfThere(home.auditSeal, 'r+');
  for (const [aside, path] of made) renameSync(aside, path);
  syncPath(home.root);
  if (old === undefined) return;
  wipeSlots(realDisk, old);
  if (sealFd === undefined) closeSync(old);
}

/**
 * With the lock of the seal that is there; without it where there is none that anybody could append with. Under the
 * lock the seal is read and written by the descriptor that is given, and not opened again: to close it would drop the lock.
 */
function withoutWriters<T>(home: Home, deed: (sealFd: number | undefined) => T): T {
  for (;;) {
    let file: ReturnType<typeof openSealFile>;
    try {
      file = openSealFile(home.auditSeal);
    } catch (error) {
      if (isBroken(error)) return deed(undefined);
      throw error;
    }
    let entered = false;
    try {
      const done = file.locked(() => {
        entered = true;
        return file.isCurrent() ? { value: deed(file.fd) } : undefined;
      });
      if (done !== undefined) return done.value;
    } catch (error) {
      if (entered || !isBroken(error)) throw error;
      return deed(undefined);
    } finally {
      file.close();
    }
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof HaspError && error.code === 'E_CHAIN_BROKEN';
}
