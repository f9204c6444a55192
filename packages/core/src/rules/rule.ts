import type { Delivery } from '../delivery.ts';
import type { TimeWindow } from './time-window.ts';

/** The broker's rules, in the order of the file. */
export interface Policy {
  readonly rules: readonly Rule[];
}

/** One rule: whom and what it is about (selectors are globs), and what it says of that. */
export interface Rule {
  readonly id: string;
  readonly effect: 'allow' | 'deny' | 'ask';
  readonly agentSelector: string;
  readonly credentialSelector: string;
  readonly commandSelector?: string;
  readonly targetSelector?: string;
  readonly deliveries?: readonly Delivery['kind'][];
  /** A deny rule has none but a time window. */
  readonly constraints: Constraints;
}

/** What must hold besides, for a rule to apply. */
export interface Constraints {
  readonly timeWindow?: TimeWindow;
  readonly scopeCheck?: boolean;
  readonly maxTtlMs?: number;
  readonly maxUses?: number;
  readonly rateLimit?: { readonly maxPerMinute: number };
  readonly minTrustScore?: number;
  readonly requireCapability?: string;
}

export type ConstraintKey = keyof Constraints;

/** Whether each use of it has to be counted. */
export function isLimited({ constraints }: Rule): boolean {
  return constraints.maxUses !== undefined || constraints.rateLimit !== undefined;
}
