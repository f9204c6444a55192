import { AuditLog } from '@hasp/audit';
import { endRunAlone as end, type RunOutcome } from '@hasp/broker';
import type { HaspError } from '@hasp/core';
import type { Context } from './context.ts';

/** Records the end of a run whose broker has gone. Returns what is to be told where it can't. */
export function endRunAlone({ home, clock }: Context, run: string, outcome: RunOutcome): HaspError | undefined {
  const log = AuditLog.open(home, clock);
  try {
    return end(home, log, clock, run, outcome);
  } finally {
    log.close();
  }
}
