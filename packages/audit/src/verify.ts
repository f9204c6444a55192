import { closeSync } from 'node:fs';
import type { AuditMark, Home } from '@hasp/core';
import { GENESIS_MAC, LINK_BYTES, nextKey, Ratchet } from './chain.ts';
import { classify } from './classify.ts';
import type { ChainRoot } from './create.ts';
import { realDisk } from './disk.ts';
import { asReadError } from './failures.ts';
import type { Problem } from './problem.ts';
import { MAX_SLICE } from './record.ts';
import { type Position, type Stop, scan } from './scan.ts';
import type { Seal } from './seal.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import { countVerifying } from './survey.ts';
import { LogWindow } from './window.ts';

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

type Progress = (done: number, total: number) => void;

/**
 * Verifies every byte of the log from k_0 on, then the seal and the vault's mark. Only reads.
 * @param mark what the vault last noted; undefined if it has none
 * @param onProgress bytes looked at, and bytes there are
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
      if (typeof snapshot.seal !== 'string') snapshot.seal.key.fill(0);
      if (snapshot.log !== undefined) closeSync(snapshot.log);
    }
  } catch (error) {
    throw asReadError(error);
  }
}

function verifySnapshot(
  snapshot: Snapshot,
  root: ChainRoot,
  mark: AuditMark | undefined,
  onProgress?: Progress,
): VerifyReport {
  const at: Position = { seq: 0, mac: GENESIS_MAC, offset: 0, line: 0, lastOffset: -1, fenced: 0 };
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
  const first = firstRecord(window, root);
  const anchors = anchorsOf(seal, mark, root);
  let stop: Stop = 'reached';
  for (const anchor of [first, ...anchors]) {
    if (stop === 'reached') stop = scan(window, at, ratchet, anchor.seq);
    if (at.seq === anchor.seq) anchor.check(at, ratchet);
  }
  if (stop === 'reached') stop = scan(window, at, ratchet);
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

/** A record that something outside the log vouches for. */
interface Anchor {
  readonly seq: number;
  /** Called when that record is the last verified one. */
  check(at: Position, ratchet: Ratchet): void;
  /** Called at the end of a log that verifies. */
  problem(end: Position): Problem | undefined;
}

/** The chain id stands in the first record; the vault knows it too. */
function firstRecord(window: LogWindow, root: ChainRoot): Anchor {
  return anchor(
    1,
    () => recordAt(window, 0)['chain'] === root.chain,
    { code: 'truncated', message: 'the audit log is empty' },
    { code: 'wrong-chain', message: 'the log belongs to another vault' },
  );
}

function anchorsOf(seal: Seal | undefined, mark: AuditMark | undefined, root: ChainRoot): Anchor[] {
  const anchors: Anchor[] = [];
  if (seal) {
    anchors.push(
      anchor(
        seal.seq,
        (at, ratchet) =>
          seal.chain === root.chain &&
          at.mac === seal.mac &&
          at.offset === seal.offset &&
          ratchet.key().equals(seal.key),
        { code: 'truncated', message: 'the log ends before its sealed head' },
        { code: 'seal-mismatch', message: 'the seal does not fit the log' },
      ),
    );
  }
  if (mark) {
    anchors.push(
      anchor(
        mark.seq,
        (at) => mark.chain === root.chain && at.mac === mark.mac,
        { code: 'rolled-back', message: 'the log ends before the record that the vault has noted' },
        { code: 'rolled-back', message: 'the log holds another record than the one that the vault has noted' },
      ),
    );
  }
  return anchors.sort((a, b) => a.seq - b.seq);
}

type Finding = Pick<Problem, 'code' | 'message'>;

function anchor(
  seq: number,
  fits: (at: Position, ratchet: Ratchet) => boolean,
  short: Finding,
  misfit: Finding,
): Anchor {
  let bad: Position | undefined;
  return {
    seq,
    check(at, ratchet) {
      if (!fits(at, ratchet)) bad = { ...at };
    },
    problem(end) {
      if (end.seq < seq) return problemAt(end, short.code, short.message);
      if (!bad) return undefined;
      return {
        ...misfit,
        seq,
        line: bad.line,
        offset: bad.lastOffset,
        verifiedAfter: end.seq - seq,
      };
    },
  };
}

function problemOfSeal(snapshot: Snapshot, end: Position): Problem | undefined {
  if (snapshot.seal === 'missing') return problemAt(end, 'seal-missing', 'the seal of the audit log is missing');
  if (snapshot.seal === 'damaged') return problemAt(end, 'seal-damaged', 'the seal of the audit log is damaged');
  return undefined;
}

function problemAt(at: Position, code: Problem['code'], message: string): Problem {
  return { code, seq: at.seq + 1, line: at.line + 1, offset: at.offset, message, verifiedAfter: 0 };
}

function headAt(window: LogWindow, at: Position): VerifyReport['head'] {
  if (at.lastOffset < 0) return null;
  return { seq: at.seq, mac: at.mac, time: String(recordAt(window, at.lastOffset)['time']) };
}

/** A verified record; empty if it was damaged since. */
function recordAt(window: LogWindow, offset: number): Record<string, unknown> {
  window.load(offset);
  try {
    const line = window.bytes.toString('utf8', LINK_BYTES, window.lineEnd(LINK_BYTES));
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
