import type { Peer } from '@hasp/process-tree';
import type { Transport } from '../fetch/asker.ts';

/** An agent's session, as its wrapper has begun it. */
export interface SessionFacts {
  readonly id: string;
  readonly agent: string;
}

/** Who asks: what kernel and token tell, made once for a request. */
export interface Caller {
  /** The owner may name any agent; an agent is the one of its token; a member of a session that of its session. */
  readonly kind: 'owner' | 'agent' | 'member';
  /** The agent's name; the owner's has none. */
  readonly name?: string;
  readonly limitKey: string;
  readonly transport: Transport;
  readonly peer?: Peer;
  /** The session that the peer is inside of, whatever it has shown. */
  readonly session?: SessionFacts;
  /** Over TCP: the peer runs as our user, and yet can't be found. */
  readonly isHidden: boolean;
  /** Whether what it has shown still holds. */
  holds(): boolean;
}

export const OWNER = 'owner';
