import type { Delivery } from './delivery.ts';

export type GrantEndReason =
  | 'exited'
  | 'signalled'
  | 'ttl'
  | 'revoked'
  | 'session-ended'
  | 'agent-revoked'
  | 'rotated'
  | 'spawn-failed'
  | 'wrapper-lost';

/** What every state of a grant knows. */
interface GrantFacts {
  readonly id: string;
  /** The secret's name, without hasp://. */
  readonly secret: string;
  readonly delivery: Delivery;
}

export interface RequestedGrant extends GrantFacts {
  readonly state: 'requested';
}

export interface DeniedGrant extends GrantFacts {
  readonly state: 'denied';
  readonly why: string;
}

export interface IssuedGrant extends GrantFacts {
  readonly state: 'issued';
  readonly version: number;
  readonly rule: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface EndedGrant extends Omit<IssuedGrant, 'state'> {
  readonly state: 'ended';
  readonly endedAt: number;
  readonly endReason: GrantEndReason;
}

/**
 * requested → denied | issued → ended(reason). Each transition takes only the state it may leave,
 * so that an illegal one does not compile: there is no way from denied, and none back from ended.
 */
export type Grant = RequestedGrant | DeniedGrant | IssuedGrant | EndedGrant;

export function requestGrant(facts: GrantFacts): RequestedGrant {
  return { ...facts, state: 'requested' };
}

export function denyGrant(grant: RequestedGrant, why: string): DeniedGrant {
  return { ...grant, state: 'denied', why };
}

export function issueGrant(
  grant: RequestedGrant,
  issue: { version: number; rule: string; issuedAt: number; expiresAt: number },
): IssuedGrant {
  return { ...grant, ...issue, state: 'issued' };
}

export function endGrant(grant: IssuedGrant, endReason: GrantEndReason, endedAt: number): EndedGrant {
  return { ...grant, state: 'ended', endReason, endedAt };
}
