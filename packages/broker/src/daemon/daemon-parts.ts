import type { IdentityServerState } from '../policy/index.ts';
import type { VaultFacts } from './open-vault.ts';

export interface DaemonParts extends VaultFacts {
  readonly host: string;
  readonly uid: number;
  readonly descriptors: number;
  /** Where the loopback listens; 0 for any port. Undefined: the socket only. */
  readonly port?: number;
  /** An address that others reach, in place of the loopback's. */
  readonly insecureAddress?: string;
  /** Locked again after so long without a request. */
  readonly idleMs?: number;
  /** Rules for agents; the home's own where it is not named. */
  readonly policyFile?: string;
  /** Of the identity server. */
  readonly aimUrl?: string;
  readonly aimToken?: string;
  /** Ends when it is locked and no run is left: nothing to serve. */
  readonly endsWhenLocked: boolean;
  /** One line for a person. */
  say(line: string): void;
}

/** What `broker status` shows. */
export interface DaemonStatus {
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly requestCount: number;
  readonly socketPath: string;
  readonly httpPort: number | null;
  readonly aim: IdentityServerState;
  readonly policyFile: string;
  readonly policyCount: number;
  readonly isUnlocked: boolean;
  readonly runs: number;
}
