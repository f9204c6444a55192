import { readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '@hasp/core';
import { identifyByPs, isAliveByPs } from './platform/ps.ts';
import { hasProc, isDead, type ProcessStat, readStat, readText } from './proc.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const UNKNOWN = 'unknown';

/**
 * This process, with the pid that /proc has for it: in a pid namespace without a /proc of its own (pid_namespaces(7)) that is
 * not the one that it has for itself. @throws Error where neither /proc nor ps(1) tells of it
 */
export function selfIdentity(): ProcessIdentity {
  const stat = readStat('self');
  const self = stat ? identityFrom(stat) : identityOf(process.pid);
  if (!self) throw new Error('this process is neither in /proc nor known to ps');
  return self;
}

/** Undefined if no live process has that pid. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  if (stat) return isDead(stat) ? undefined : identityFrom(stat);
  if (hasProc()) return undefined;
  const identity = identifyByPs(pid);
  return identity && isAliveByPs(identity) === true ? identity : undefined;
}

export function identityFrom(stat: ProcessStat): ProcessIdentity {
  return { pid: stat.pid, startTime: stat.startTime, bootId: bootId(), pidNamespace: pidNamespace() };
}

/**
 * Whether the very process still lives. Another boot: false. Another pid namespace: its pids mean
 * nothing here, so "elsewhere", which no caller may read as dead.
 */
export function isAlive(identity: ProcessIdentity): boolean | 'elsewhere' {
  const boot = readText(BOOT_ID)?.trim();
  if (boot === undefined && !hasProc()) return isAliveByPs(identity);
  if (identity.bootId !== (boot ?? UNKNOWN)) return false;
  if (identity.pidNamespace !== pidNamespace()) return 'elsewhere';
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTime === identity.startTime && !isDead(stat);
}

function bootId(): string {
  return readText(BOOT_ID)?.trim() ?? UNKNOWN;
}

/** The inode of the pid namespace; readable for oneself even when not dumpable. */
function pidNamespace(): string {
  try {
    return /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid'))?.[1] ?? 'host';
  } catch {
    return 'host';
  }
}
