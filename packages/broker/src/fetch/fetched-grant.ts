import type { ProcessIdentity } from '@hasp/core';
import type { Peer } from '@hasp/process-tree';

/** A live grant of which the broker hands out the value, each time that it is asked. */
export interface FetchedGrant {
  readonly id: string;
  /** 16 hex digits, as a run has them. */
  readonly run: string;
  readonly secret: string;
  readonly version: number;
  readonly rule: string;
  readonly agent: string;
  readonly limitKey: string;
  /** It ends with this process. */
  readonly holder?: ProcessIdentity;
  readonly peer?: Peer;
  readonly reason?: string;
  /** Only where it was asked for in so many words. */
  readonly ttlMs?: number;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** No renewal goes beyond. */
  readonly endsAt: number;
  expiresAt: number;
}

/** What makes two questions ask for one grant. */
export type GrantTerms = Pick<FetchedGrant, 'limitKey' | 'secret' | 'version' | 'rule' | 'holder' | 'ttlMs'>;

export function termsKey({ limitKey, secret, version, rule, holder, ttlMs }: GrantTerms): string {
  const process = holder === undefined ? '' : `${holder.pid} ${holder.startTime}`;
  return `${limitKey}\0${secret}\0${version}\0${rule}\0${process}\0${ttlMs ?? ''}`;
}
