import type { AccessRequest, ProcessIdentity, Scope, StragglerPolicy, Tracking } from '@hasp/core';

/** A manifest as it lies on disk: what the consent binds. */
export interface ProjectFacts {
  /** Real path of the folder that holds hasp.json. */
  readonly root: string;
  /** SHA-256 of hasp.json, hex. */
  readonly manifestHash: string;
}

/** Who asks, as this machine knows it. */
export interface CallerFacts {
  readonly wrapper: ProcessIdentity;
  readonly tracking: Tracking;
  readonly uid: number;
  readonly host: string;
  readonly cwd: string;
  /** The environment that the child will start from. */
  readonly environment: ReadonlyMap<string, string>;
}

/** On whose behalf, as the broker knows it. */
export interface RunAgent {
  readonly name: string;
  /** By what limits are counted: a token's public id, a session's id, or `owner`. */
  readonly limitKey: string;
  readonly session?: string;
}

/** One `hasp run`: what it wants, for which command, on whose behalf. */
export interface RunRequest {
  readonly wishes: readonly AccessRequest[];
  readonly projectFacts?: ProjectFacts;
  readonly project?: string;
  readonly target?: string;
  readonly reason?: string;
  readonly command: readonly string[];
  readonly ttlMs: number;
  readonly stragglers: StragglerPolicy;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Who may fetch what is granted with `ask`; the whole tree where it is absent. */
  readonly scope?: Scope;
  /** A granted variable may replace one that the parent has. */
  readonly override: boolean;
  readonly caller: CallerFacts;
  /** Undefined for a person. */
  readonly agent?: RunAgent;
}
