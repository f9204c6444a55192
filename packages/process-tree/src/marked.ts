import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '@hasp/core';
import { identityOf } from './identity.ts';
import { listProcesses } from './proc.ts';

/**
 * Live processes whose environment at exec held `HASP_GRANT=run`. Best effort: a process may have
 * cleared its environment, and another user's can't be read.
 */
export function findMarked(run: string): ProcessIdentity[] {
  const marker = Buffer.from(`\0HASP_GRANT=${run}\0`);
  const found: ProcessIdentity[] = [];
  for (const pid of listProcesses()) {
    if (pid === process.pid || !environmentHolds(pid, marker)) continue;
    const identity = identityOf(pid);
    if (identity) found.push(identity);
  }
  return found;
}

function environmentHolds(pid: number, marker: Buffer): boolean {
  try {
    return Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`), Buffer.of(0)]).includes(marker);
  } catch {
    return false;
  }
}
