import type { ProcessIdentity } from '@hasp/core';
import type { ForwardedSignal } from '../signals.ts';

/** What a platform tells of its processes. Identities of two tables don't compare. */
export interface ProcessTable {
  /** Between two looks, in milliseconds: what a look costs allows no more. */
  readonly lookEveryMs: number;
  /** Also of a child that has ended and was not reaped yet. */
  identify(pid: number): ProcessIdentity | undefined;
  /** As `isAlive` of identity.ts. */
  isAlive(identity: ProcessIdentity): boolean | 'elsewhere';
  /** Safe to print; "?" if it is gone. */
  nameOf(pid: number): string;
  /** Whether the terminal has already given this INT or QUIT to that process. */
  isSignalledByTerminal(signal: ForwardedSignal, pid: number): boolean;
  /**
   * @param run the HASP_GRANT that its processes may have in their environment
   * @returns a look: the live ones of `known`, of what was found below them at any look, and of what bears the mark
   */
  watch(known: readonly ProcessIdentity[], run: string | undefined): () => Promise<readonly ProcessIdentity[]>;
}
