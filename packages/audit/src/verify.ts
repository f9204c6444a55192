import type { AuditMark, Home } from '@hasp/core';
import { anchorsOf, firstRecord, scanPast } from './anchor.ts';
import { nextKey, Ratchet } from './chain.ts';
import { classify } from './classify.ts';
import type { ChainRoot } from './create.ts';
import { realDisk } from './disk.ts';
import { asReadError } from './failures.ts';
import { type Problem, problemAt } from './problem.ts';
import { MAX_SLICE } from './record.ts';
import { beginning, type Position } from './scan.ts';
import { releaseSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';
import { countVerifying } from './survey.ts';
import { LogWindow, recordAt } from './window.ts';

export interface VerifyReport {
  readonly ok: boolean;
  /** Records that verify without a gap from the first on. */
  readonly records: number;
  /** The last of them, or null; `time` is RFC 3339. */
  readonly head: { readonly seq: number; readonly mac: string; readonly time: string } | null;
  /** Torn writes that an audit.recovered accounts for. */
  readonly fenced: number;
  /** The first thing that is wrong. */
  readonly problem?: Problem;
}

/** Bytes looked at, and bytes there are. */
export type Progress = (done: number, total: number) => void;

/**
 * Verifies every byte of the log from k_0 on, then the seal and the vault's mark. Only reads.
 * @param mark what the vault last noted; undefined if it has none
 * @throws HaspError E_STORAGE if the files can't be read
 */
export function verifyLog(
  home: Home,
  root: ChainRoot,
  mark: AuditMark | undefined,
  onProgress?: Progress,
): VerifyReport {
  try {
    const snapshot = takeSnapshot(home);
    try {
      return verifySnapshot(snapshot, root, mark, onProgress);
    } finally {
      releaseSnapshot(snapshot);
    }
  } catch (error) {
    throw asReadError(error);
  }
}

/** The one way that names a problem. */
export function verifySnapshot(
  snapshot: Snapshot,
  root: ChainRoot,
  mark: AuditMark | undefined,
  onProgress?: Progress,
): VerifyReport {
  const at = beginning();
  if (snapshot.log === undefined) {
    const problem = problemAt(at, 'log-missing', 'the audit log is missing');
    return { ok: false, records: 0, head: null, fenced: 0, problem };
  }
  const total = snapshot.size;
  let furthest = -1;
  const onRead = (done: number): void => {
    if (done <= furthest) return;
    furthest = done;
    onProgress?.(done, total);
  };
  const window = new LogWindow(realDisk, snapshot.log, total, onProgress ? { onRead } : {});
  const ratchet = new Ratchet(nextKey(root.k0), MAX_SLICE);
  const seal = typeof snapshot.seal === 'string' ? undefined : snapshot.seal;
  const first = firstRecord(window, root.chain);
  const anchors = anchorsOf(seal, mark, root.chain);
  const stop = scanPast([first, ...anchors], window, at, ratchet);
  const verified = { records: at.seq, head: headAt(window, at), fenced: at.fenced };
  let problem: Problem | undefined;
  if (stop !== 'end') {
    const { code, message } = classify(window, at, stop, { chain: root.chain, sealedOffset: seal?.offset ?? 0 });
    problem = { ...problemAt(at, code, message), verifiedAfter: countVerifying(window, at, ratchet) };
  } else {
    problem = first.problem(at) ?? problemOfSeal(snapshot, at);
    for (const anchor of anchors) problem ??= anchor.problem(at);
  }
  ratchet.wipe();
  return problem ? { ok: false, ...verified, problem } : { ok: true, ...verified };
}

function problemOfSeal(snapshot: Snapshot, end: Position): Problem | undefined {
  if (snapshot.seal === 'missing') return problemAt(end, 'seal-missing', 'the seal of the audit log is missing');
  if (snapshot.seal === 'damaged') return problemAt(end, 'seal-damaged', 'the seal of the audit log is damaged');
  return undefined;
}

export function headAt(window: LogWindow, at: Position): VerifyReport['head'] {
  if (at.lastOffset < 0) return null;
  return { seq: at.seq, mac: at.mac, time: String(recordAt(window, at.lastOffset)['time']) };
}
