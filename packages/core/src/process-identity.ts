/** A process that can't be confused with a later one of the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * When it started, in the platform's own unit, as a decimal string: on Linux field 22 of
   * /proc/PID/stat (clock ticks since boot, proc_pid_stat(5)), on others microseconds since 1970.
   */
  readonly startTime: string;
  /** /proc/sys/kernel/random/boot_id, or an equal of it; start times compare only within one boot. */
  readonly bootId: string;
  /** Inode of /proc/self/ns/pid, or "host" where there is none. */
  readonly pidNamespace: string;
}

/** How surely descendants are known: by the kernel (subreaper), or by looking now and then. */
export type Tracking = 'full' | 'best-effort';

export type StragglerPolicy = 'kill' | 'wait' | 'leave';

/** A descendant that outlived the command, and what became of it. */
export interface Survivor {
  readonly pid: number;
  /** The process's own name (comm), at most 64 characters, control characters replaced. */
  readonly command: string;
  readonly outcome: 'terminated' | 'killed' | 'left' | 'not-permitted';
}
