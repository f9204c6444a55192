import type { Clock, ProcessIdentity, StragglerPolicy, Survivor, Tracking } from '@hasp/core';
import type { ExitStatus } from './exit-status.ts';
import type { Inherited } from './inherited.ts';
import type { ProcessTable } from './platform/process-table.ts';
import type { ByteTransform } from './relay.ts';
import type { HeldSignals } from './signals.ts';

export interface TreeSpec {
  /** From `resolveCommand`. */
  readonly path: string;
  /** argv[0] as typed. */
  readonly argv: readonly string[];
  /** Bytes are copied and the copy wiped: the caller may wipe its own once `onSpawned` was called. */
  readonly environment: ReadonlyMap<string, string | Uint8Array>;
  readonly inherited: Inherited;
  /** Bytes: delivered on a pipe that ends after them. */
  readonly stdin: 'inherit' | Uint8Array;
  /** A factory: the stream goes through its transform, which is made at the first byte. */
  readonly stdout: 'inherit' | (() => ByteTransform);
  readonly stderr: 'inherit' | (() => ByteTransform);
  readonly stragglers: StragglerPolicy;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Milliseconds since 1970: the whole tree is ended then. */
  readonly expiresAt: number;
  readonly clock: Clock;
  /** Held since before the grants were recorded. */
  readonly signals: HeldSignals;
  /** Ends the tree now, as the ttl does: a revocation. */
  readonly abort?: AbortSignal;
  /** What `hardenSelf` said; "best-effort" forces the portable way. */
  readonly tracking: Tracking;
  /** What the portable way looks at; the platform's own where it is not given. */
  readonly table?: ProcessTable;
  /** Members are looked at so often as well; nobody tells of an orphan's coming. Not where trees are looked at anyway. */
  readonly lookEveryMs?: number;
  /** Called once, directly after the spawn. */
  onSpawned(root: ProcessIdentity): void;
  /** Live members, at the spawn and when the kernel told of a child's end and the set changed. */
  onMembers(members: readonly ProcessIdentity[]): void;
  /** Its ttl is over or it is revoked: told before the first signal. */
  onEnding?(): void;
  /** The command has ended and left some that are ended now: told before the first signal. Not where trees are looked at. */
  onStragglers?(): void;
  /** The tree has ended; what it wrote may still be on its way to a slow reader. */
  onTreeEnd?(end: TreeEnd): void;
  /** One line for a person, without a final newline. */
  onWarning(line: string): void;
}

export interface TreeEnd {
  readonly root: ProcessIdentity;
  readonly exit: ExitStatus;
  readonly cause: 'exited' | 'signalled' | 'ttl' | 'revoked';
  /** What was still there when the command had ended, and what became of it. */
  readonly survivors: readonly Survivor[];
}
