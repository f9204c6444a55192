export { type ChainRoot, createLog } from './create.ts';
export { AuditLog, type SealedHead } from './log.ts';
export type { Problem, ProblemCode } from './problem.ts';
export { matchesFilter, queryRecords, type RecordFilter } from './query.ts';
export { readRecords, type StoredRecord } from './read.ts';
export { parseTime } from './time.ts';
export { type VerifyReport, verifyLog } from './verify.ts';
