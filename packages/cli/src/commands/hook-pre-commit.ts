import type { Deed } from '../command.ts';
import { guard } from '../git/guard.ts';
import { startCommitScan } from '../git/hook-scan.ts';

export const guardCommit: Deed = (input, context) => guard('pre-commit', startCommitScan(context), input, context);
