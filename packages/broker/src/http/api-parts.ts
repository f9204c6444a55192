import type { AuditLog } from '@hasp/audit';
import type { Clock, Home, ProcessIdentity, Random } from '@hasp/core';
import type { Vault } from '@hasp/vault';
import type { DaemonStatus } from '../daemon/daemon-parts.ts';
import type { DecideFetch } from '../fetch/fetch-decision.ts';
import type { SessionFacts } from './caller.ts';

/** The agents' sessions, as far as the API needs them. */
export interface Sessions {
  /** The session that a process is inside of. */
  of(identity: ProcessIdentity): SessionFacts | undefined;
  /** Whether there is any. */
  readonly any: boolean;
  /** As `hasp session list --json` has them. */
  list(): readonly object[];
  /** False where there is none of that id. */
  end(id: string): Promise<boolean>;
}

export interface ApiParts {
  readonly home: Home;
  readonly log: Pick<AuditLog, 'append' | 'head'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly uid: number;
  readonly host: string;
  /** Of the match engine. */
  readonly engine?: string;
  readonly ownerToken: string;
  readonly sessions: Sessions;
  readonly decide: DecideFetch;
  /** How many connections there may be at once. */
  readonly mostConnections: number;
  status(): DaemonStatus;
  /** The vault notes how far the log has come. */
  mark(): void;
  /** One request more. */
  counted(): void;
  /** @throws HaspError E_VAULT_LOCKED */
  vault(): Vault;
  /** The same, without putting off the time at which an idle broker locks itself. */
  peekVault(): Vault;
}
