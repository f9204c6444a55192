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
