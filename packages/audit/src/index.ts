export { type CheckpointProblem, type CheckpointReport, checkCheckpoint } from './check-checkpoint.ts';
export {
  type Checkpoint,
  checkpointSigner,
  MAX_CHECKPOINT_BYTES,
  parseCheckpoint,
  signCheckpoint,
} from './checkpoint.ts';
export { type ChainRoot, createLog } from './create.ts';
export { type ExportEnd, exportRecords } from './export.ts';
export { AuditLog, type SealedHead } from './log.ts';
export { type Prefix, readPrefixUpTo } from './prefix.ts';
export type { Problem, ProblemCode } from './problem.ts';
export { matchesFilter, queryRecords, type RecordFilter } from './query.ts';
export { holdsMark, readFirstRecord, readRecords, readRecordsSince, type StoredRecord } from './read.ts';
export { rebuildSeal } from './reseal.ts';
export { type BrokenLog, type RestartedLog, restartLog, unfinishedRestart } from './restart.ts';
export { type SealState, sealState } from './seal-state.ts';
export { SealingBeside } from './sealing-beside.ts';
export { publicKeyPem, verifierKey } from './signed-note.ts';
export { parseTime } from './time.ts';
export { removeUnstartedLog } from './unstarted.ts';
export { type VerifyReport, verifyLog } from './verify.ts';
export { verifyLogInTwo } from './verify-in-two.ts';
