import type { HaspError, ProcessIdentity, Survivor } from '@hasp/core';
import type { Redactor } from '@hasp/match';
import type { RunOutcome } from './ended-event.ts';

/** What a wrapper has of its run, whoever keeps its grants: this process, or a broker. */
export interface GrantedRun {
  readonly id: string;
  /** Milliseconds since 1970: the tree is ended then at the latest. */
  readonly expiresAt: number;
  /** The granted variables: values as bytes, file deliveries as paths. */
  readonly environment: ReadonlyMap<string, string | Uint8Array>;
  readonly stdin: Uint8Array | undefined;
  /** Something is granted that is fetched: then `serve` before the spawn. */
  readonly isAsked: boolean;
  /** The child's HASP_SOCKET. @param descriptors how many this process may have open */
  serve(descriptors: number): Promise<string>;
  /** For one stream of the child; until `wipe`. */
  redactor(): Redactor;
  note(tree: { root?: ProcessIdentity; members: readonly ProcessIdentity[] }): void;
  /** Nothing is fetched any more, and delivered files go. */
  withdraw(): void;
  /** Once. Resolves when the end is on record, or to what is to be told where it could not be. */
  end(outcome: RunOutcome): HaspError | undefined | Promise<HaspError | undefined>;
  /** Not after `wipe`. */
  masked(survivors: readonly Survivor[]): Survivor[];
  wipe(): void;
}
