import { type AuditSink, type Clock, HaspError, type IssuedGrant, type Reference, type SecretValue } from '@hasp/core';
import type { Peer } from '@hasp/process-tree';

export interface AskedGrant {
  readonly grant: IssuedGrant;
  /** `reveal` throws where it is not to be had now. */
  readonly value: Pick<SecretValue, 'reveal'>;
}

/** The grants of a run that are not handed over but fetched, one record each time. */
export class AskedGrants {
  readonly #run: string;
  readonly #granted: readonly AskedGrant[];
  readonly #log: AuditSink;
  readonly #clock: Clock;
  readonly #mask: (text: string) => string;
  #ended = false;

  constructor(
    run: string,
    granted: readonly AskedGrant[],
    log: AuditSink,
    clock: Clock,
    mask: (text: string) => string,
  ) {
    this.#run = run;
    this.#granted = granted;
    this.#log = log;
    this.#clock = clock;
    this.#mask = mask;
  }

  get any(): boolean {
    return this.#granted.length > 0;
  }

  /** No value is given from here on. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Without a version: the newest of those that were granted. The fetch is on disk before this returns.
   * @throws HaspError E_GRANT_MISSING, E_VAULT_LOCKED, E_AUDIT_WRITE
   */
  fetch(wanted: Reference, peer: Peer): Uint8Array {
    const found = this.#granted
      .filter(({ grant }) => grant.secret === wanted.name && (wanted.version ?? grant.version) === grant.version)
      .sort((a, b) => b.grant.version - a.grant.version)[0];
    if (found === undefined) throw new HaspError('E_GRANT_MISSING', 'this run was not granted that secret to fetch');
    const { grant, value } = found;
    if (this.#ended || this.#clock() >= grant.expiresAt) {
      throw new HaspError('E_GRANT_MISSING', 'the grants of this run have ended');
    }
    const bytes = value.reveal();
    const { pid, startTime } = peer.identity;
    try {
      this.#log.append([
        {
          type: 'grant.delivered',
          run: this.#run,
          grant: grant.id,
          secret: grant.secret,
          version: grant.version,
          peer: { pid, startTime, command: this.#mask(peer.command) },
        },
      ]);
    } catch {
      throw new HaspError('E_AUDIT_WRITE', 'the fetch could not be recorded, so nothing was handed out');
    }
    return bytes;
  }
}
