import type { Position } from './scan.ts';

/** What can be wrong with a log; a closed set, described in docs/formats/audit.md. */
export type ProblemCode =
  | 'log-missing'
  | 'seal-missing'
  | 'seal-damaged'
  | 'seal-mismatch'
  | 'wrong-chain'
  | 'unknown-version'
  | 'altered'
  | 'missing'
  | 'out-of-order'
  | 'foreign-bytes'
  | 'fence-mismatch'
  | 'torn-tail'
  | 'truncated'
  | 'rolled-back';

export interface Problem {
  readonly code: ProblemCode;
  /** Sequence number that the record at this place must have. */
  readonly seq: number;
  /** Its line, from 1, and byte offset. */
  readonly line: number;
  readonly offset: number;
  /** One lower-case line without a period. */
  readonly message: string;
  /** Records behind this place that still verify, each with the key of its own sequence number. */
  readonly verifiedAfter: number;
}

/** What is wrong with the record that must follow. */
export function problemAt(at: Position, code: ProblemCode, message: string): Problem {
  return { code, seq: at.seq + 1, line: at.line + 1, offset: at.offset, message, verifiedAfter: 0 };
}
