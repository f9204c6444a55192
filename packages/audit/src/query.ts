import type { Home } from '@hasp/core';
import { readRecords, type StoredRecord } from './read.ts';

/** What `hasp audit log` asks for; all given members must hold. */
export interface RecordFilter {
  /** Name without hasp://. */
  readonly secret?: string;
  readonly session?: string;
  readonly agent?: string;
  readonly type?: string;
  readonly project?: string;
  /** Milliseconds since 1970, both inclusive. */
  readonly since?: number;
  readonly until?: number;
}

/** Whether one record, taken alone, passes the filter. */
export function matchesFilter(record: Record<string, unknown>, filter: RecordFilter): boolean {
  for (const field of ['session', 'agent', 'type', 'project'] as const) {
    if (filter[field] !== undefined && record[field] !== filter[field]) return false;
  }
  if (filter.secret !== undefined && !names(record, filter.secret)) return false;
  if (filter.since === undefined && filter.until === undefined) return true;
  const time = Date.parse(String(record['time']));
  return time >= (filter.since ?? -Infinity) && time <= (filter.until ?? Infinity);
}

function names(record: Record<string, unknown>, secret: string): boolean {
  const { secrets } = record;
  return record['secret'] === secret || record['to'] === secret || (Array.isArray(secrets) && secrets.includes(secret));
}

/** What grant.ended leaves to grant.issued: both are found by it. */
const INHERITED = ['session', 'agent', 'project'] as const;

/**
 * The records that pass, in order, streamed. A grant.ended is matched with its grant's session,
 * agent and project, though only its grant.issued carries them; the record itself is given unchanged.
 * Memory grows with the grants that are open at one time.
 */
export function* queryRecords(home: Home, filter: RecordFilter): Generator<StoredRecord, void, void> {
  const issued = new Map<unknown, Record<string, unknown>>();
  for (const stored of readRecords(home)) {
    const { record } = stored;
    let facts = record;
    if (record['type'] === 'grant.issued') {
      const inherited = INHERITED.filter((name) => name in record).map((name) => [name, record[name]]);
      issued.set(record['grant'], Object.fromEntries(inherited) as Record<string, unknown>);
    } else if (record['type'] === 'grant.ended') {
      facts = { ...issued.get(record['grant']), ...record };
      issued.delete(record['grant']);
    }
    if (matchesFilter(facts, filter)) yield stored;
  }
}
