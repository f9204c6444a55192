import { hasProc } from '../proc.ts';
import { procTable } from './proc-table.ts';
import type { ProcessTable } from './process-table.ts';
import { psTable } from './ps-table.ts';

/** The best that this platform has. */
export async function platformTable(): Promise<ProcessTable> {
  if (hasProc()) return procTable;
  if (process.platform !== 'darwin') return psTable;
  return (await import('./darwin.ts')).darwinTable() ?? psTable;
}
