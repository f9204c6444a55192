import type { AuditLog } from '@hasp/audit';
import type { AuditEvent } from '@hasp/core';
import type { RunLog } from '../broker.ts';

/** A log of runs: what is on disk is answered before it is sealed, which costs another sync. The seal may lag behind. */
export function sealingLater(log: AuditLog): RunLog {
  let isDue = false;
  const seal = (): void => {
    isDue = false;
    try {
      log.settle();
    } catch {
      // The records stand; the next append seals them, or says what is wrong.
    }
  };
  return {
    append(events: readonly AuditEvent[], onDisk) {
      const mark = log.appendUnsealed(events);
      onDisk?.();
      if (!isDue) setImmediate(seal);
      isDue = true;
      return mark;
    },
    head: () => log.head(),
  };
}
