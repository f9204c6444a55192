import type { GrantEndedEvent, GrantEndReason, ProcessIdentity, Survivor } from '@hasp/core';

/** How the tree ended, as far as it is known. */
export interface RunOutcome {
  readonly reason: GrantEndReason;
  readonly root?: ProcessIdentity;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly survivors: readonly Survivor[];
}

/** The record of one grant's end; also written by whoever ends the grants of a lost wrapper. */
export function endedEvent(
  run: string,
  grant: string,
  secret: string,
  outcome: RunOutcome,
  clean: boolean,
  durationMs: number,
): GrantEndedEvent {
  const { root, exitCode, signal } = outcome;
  return {
    type: 'grant.ended',
    run,
    grant,
    secret,
    ...(root === undefined ? {} : { root: { pid: root.pid, startTime: root.startTime } }),
    clean,
    endReason: outcome.reason,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    durationMs: Math.max(0, durationMs),
    survivors: outcome.survivors.slice(0, 64),
  };
}
