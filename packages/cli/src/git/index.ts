// What other parts of the command use of git. Each look is started first, so that git works while the
// vault is opened, and then given the values: `start…(place).scan(finder)`.
export { startHistoryScan, startRangeScan } from './history-scan.ts';
export { type HookScan, startCommitScan } from './hook-scan.ts';
export { largeFileFolders, readLargeFile } from './large-files.ts';
export type { Leak } from './leak.ts';
export { GitFailure, type GitPlace, gitAnswer, gitOutput, STDERR_KEPT } from './process.ts';
export type { ObjectScan } from './scan-objects.ts';
export { describeLeak } from './tell.ts';
