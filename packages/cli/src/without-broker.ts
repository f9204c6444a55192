import { AuditLog } from '@hasp/audit';
import { endAsked } from '@hasp/broker';
import type { WithoutBroker } from '@hasp/broker/remote';
import type { Context } from './context.ts';
import { endRunAlone } from './end-run-alone.ts';

export function withoutBroker(context: Context): WithoutBroker {
  return {
    end: async (run, outcome) => endRunAlone(context, run, outcome),
    endAsked: async (run) => endAskedAlone(context, run),
  };
}

/** @throws HaspError as `endAsked` */
export function endAskedAlone({ home, clock }: Context, run: string): void {
  const log = AuditLog.open(home, clock);
  try {
    endAsked(home, log, clock, run, 'wrapper-lost');
  } finally {
    log.close();
  }
}
