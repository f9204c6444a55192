import { nameByPs } from './platform/ps.ts';
import { hasProc, printableName, readStat } from './proc.ts';

/** @returns the name of a process, safe to print; "?" if it is gone. */
export function describeProcess(pid: number): string {
  const stat = readStat(pid);
  if (stat) return printableName(stat.name);
  return hasProc() ? '?' : nameByPs(pid);
}
