import { readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '@hasp/core';
import { isDead, type ProcessStat, readStat, readText } from './proc.ts';

/** This process. @throws Error where /proc is missing (not Linux): see platform/portable.ts */
export function selfIdentity(): ProcessIdentity {
  const self = identityOf(process.pid);
  if (!self) throw new Error('this process is not in /proc');
  return self;
}

/** Undefined if no live process has that pid. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && !isDead(stat) ? identityFrom(stat) : undefined;
}

export function identityFrom(stat: ProcessStat): ProcessIdentity {
  return { pid: stat.pid, startTime: stat.startTime, bootId: bootId(), pidNamespace: pidNamespace() };
}

/**
 * Whether the very process still lives. Another boot: false. Another pid namespace: its pids mean
 * nothing here, so "elsewhere", which no caller may read as dead.
 */
export function isAlive(identity: ProcessIdentity): boolean | 'elsewhere' {
  if (identity.bootId !== bootId()) return false;
  if (identity.pidNamespace !== pidNamespace()) return 'elsewhere';
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTime === identity.startTime && !isDead(stat);
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown';
}

/** The inode of the pid namespace; readable for oneself even when not dumpable. */
function pidNamespace(): string {
  try {
    return /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid'))?.[1] ?? 'host';
  } catch {
    return 'host';
  }
}
