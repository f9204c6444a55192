import type { ExitStatus } from './exit-status.ts';
import { signalName } from './exit-status.ts';
import type { Libc } from './libc.ts';

const P_ALL = 0;
const WNOHANG = 1;
const WSTOPPED = 2;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const WALL = 0x4000_0000;
const CLD_EXITED = 1;
const CLD_STOPPED = 5;
const ECHILD = 10;
const SIGINFO_BYTES = 128;
/** Offsets in siginfo_t on 64-bit Linux. */
const SI = { code: 8, pid: 16, status: 24 } as const;

export type ChildEvent =
  | { readonly pid: number; readonly ended: ExitStatus }
  | { readonly pid: number; readonly stoppedBy: number };

/**
 * Reaps every child that has ended and tells of each that has stopped. Nothing else in the process
 * may have children: Node's child_process would miss theirs.
 * @returns true when there is no child left at all, dead or alive: for a subreaper that is the
 * kernel's own word that the tree is empty (waitid(2), ECHILD)
 */
export function reapChildren(libc: Libc, tell: (event: ChildEvent) => void): boolean {
  const info = Buffer.alloc(SIGINFO_BYTES);
  for (;;) {
    info.fill(0);
    if (libc.waitid(P_ALL, 0, info, WEXITED | WSTOPPED | WNOHANG | WALL) !== 0) return libc.errno() === ECHILD;
    const pid = info.readInt32LE(SI.pid);
    if (pid === 0) return false;
    const code = info.readInt32LE(SI.code);
    const status = info.readInt32LE(SI.status);
    if (code === CLD_STOPPED) tell({ pid, stoppedBy: status });
    else tell({ pid, ended: code === CLD_EXITED ? { code: status } : { signal: signalName(status) } });
  }
}

/** Whether this process has any child, without reaping it. */
export function hasChildren(libc: Libc): boolean {
  return libc.waitid(P_ALL, 0, Buffer.alloc(SIGINFO_BYTES), WEXITED | WNOHANG | WNOWAIT | WALL) === 0;
}
