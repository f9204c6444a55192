import type { Peer } from '@hasp/process-tree';

/** On whose behalf a value is asked for over the API, as kernel and token tell. */
export interface Asker {
  /** The agent's name. */
  readonly agent: string;
  /** By what limits are counted and connections are closed: a token's public id, or `owner`. */
  readonly limitKey: string;
  /** Whoever connected; a grant over the unix socket ends with it. */
  readonly peer?: Peer;
  readonly transport: Transport;
  /** Whether what it showed still holds: looked at again where a decision has taken its time. */
  holds(): boolean;
}

export type Transport = 'socket' | 'tcp';
