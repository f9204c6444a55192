import type { AuditMark } from '@hasp/core';
import type { Ratchet } from './chain.ts';
import { type Problem, problemAt } from './problem.ts';
import { type Position, type Stop, scan } from './scan.ts';
import type { Seal } from './seal.ts';
import { type LogWindow, recordAt } from './window.ts';

/** A record that something outside the log vouches for. */
export interface Anchor {
  readonly seq: number;
  /** Called when that record is the last verified one. */
  check(at: Position, ratchet: Ratchet): void;
  /** Called at the end of a log that verifies. */
  problem(end: Position): Problem | undefined;
}

/** The chain id stands in the first record; the vault knows it too. */
export function firstRecord(window: LogWindow, chain: string): Anchor {
  return anchor(
    1,
    () => recordAt(window, 0)['chain'] === chain,
    { code: 'truncated', message: 'the audit log is empty' },
    { code: 'wrong-chain', message: 'the log belongs to another vault' },
  );
}

/** By seal and mark, in their order. */
export function anchorsOf(seal: Seal | undefined, mark: AuditMark | undefined, chain: string): Anchor[] {
  const anchors: Anchor[] = [];
  if (seal) {
    anchors.push(
      anchor(
        seal.seq,
        (at, ratchet) =>
          seal.chain === chain && at.mac === seal.mac && at.offset === seal.offset && ratchet.key().equals(seal.key),
        { code: 'truncated', message: 'the log ends before its sealed head' },
        { code: 'seal-mismatch', message: 'the seal does not fit the log' },
      ),
    );
  }
  if (mark) {
    anchors.push(
      anchor(
        mark.seq,
        (at) => mark.chain === chain && at.mac === mark.mac,
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

/** Verifies from `at` to the end, or to the record `untilSeq`, and checks each anchor where its record lies. */
export function scanPast(
  anchors: readonly Anchor[],
  window: LogWindow,
  at: Position,
  ratchet: Ratchet,
  untilSeq = Number.MAX_SAFE_INTEGER,
): Stop {
  let stop: Stop = 'reached';
  for (const anchor of anchors) {
    if (stop === 'reached') stop = scan(window, at, ratchet, Math.min(anchor.seq, untilSeq));
    if (at.seq === anchor.seq) anchor.check(at, ratchet);
  }
  return stop === 'reached' ? scan(window, at, ratchet, untilSeq) : stop;
}
