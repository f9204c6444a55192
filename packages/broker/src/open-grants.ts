import { readFirstRecord, readRecords } from '@hasp/audit';
import type { Home } from '@hasp/core';
import type { RunState } from './run-file.ts';

/** The grants of the run that the log has issued and not ended; it is read from where the run began. */
export function openGrants(home: Home, state: RunState): RunState['grants'] {
  const isAnother = beganLater(home, state);
  // They were issued in a log that was put aside since; their ends go into the one that follows it.
  const issued = new Set<unknown>(isAnother ? state.grants.map(({ id }) => id) : []);
  for (const { record } of readRecords(home, isAnother ? 0 : state.logOffset)) {
    if (record.run !== state.run) continue;
    if (record.type === 'grant.issued') issued.add(record.grant);
    if (record.type === 'grant.ended') issued.delete(record.grant);
  }
  return state.grants.filter((grant) => issued.has(grant.id));
}

function beganLater(home: Home, { startedAt }: RunState): boolean {
  const first = readFirstRecord(home);
  return first?.['type'] === 'audit.restarted' && Date.parse(String(first['time'])) > startedAt;
}
