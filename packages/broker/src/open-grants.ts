import { readRecords } from '@hasp/audit';
import type { Home } from '@hasp/core';
import type { RunState } from './run-file.ts';

/** The grants of the run that the log has issued and not ended; it is read from where the run began. */
export function openGrants(home: Home, state: RunState): RunState['grants'] {
  const issued = new Set<unknown>();
  for (const { record } of readRecords(home, state.logOffset)) {
    if (record.run !== state.run) continue;
    if (record.type === 'grant.issued') issued.add(record.grant);
    if (record.type === 'grant.ended') issued.delete(record.grant);
  }
  return state.grants.filter((grant) => issued.has(grant.id));
}
