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
  return isWithin(timeOf(record), timeOf(record), filter);
}

/** Whether something that lasted from `start` to `end` was there at some moment of the filter's time; yes if nobody knows. */
function isWithin(start: number, end: number, { since = -Infinity, until = Infinity }: RecordFilter): boolean {
  return !(start > until || end < since);
}

function timeOf(record: Record<string, unknown>): number {
  return Date.parse(String(record['time']));
}

function names(record: Record<string, unknown>, secret: string): boolean {
  const { secrets } = record;
  return record['secret'] === secret || record['to'] === secret || (Array.isArray(secrets) && secrets.includes(secret));
}

/** What grant.ended and grant.delivered leave to grant.issued: all are found by it. */
const INHERITED = ['session', 'agent', 'project'] as const;

/**
 * The records that pass, in order, streamed. A grant counts for the whole time that it was live: one
 * that was issued before `since` and had not ended passes, with its fetches and its end. Those are matched
 * with their grant's session, agent and project, though only its grant.issued carries them; the records
 * themselves are given unchanged. Memory grows with the grants of the time asked for.
 */
export function* queryRecords(home: Home, filter: RecordFilter): Generator<StoredRecord, void, void> {
  const issued = new Map<unknown, Record<string, unknown>>();
  const { since, until, ...timeless } = filter;
  const live = since === undefined && until === undefined ? undefined : grantsWithin(home, filter);
  for (const stored of readRecords(home)) {
    const { record } = stored;
    let facts = record;
    if (record['type'] === 'grant.issued') {
      const inherited = INHERITED.filter((name) => name in record).map((name) => [name, record[name]]);
      issued.set(record['grant'], Object.fromEntries(inherited) as Record<string, unknown>);
    } else if (record['type'] === 'grant.ended' || record['type'] === 'grant.delivered') {
      facts = { ...issued.get(record['grant']), ...record };
      if (record['type'] === 'grant.ended') issued.delete(record['grant']);
    }
    const timely = live === undefined || live.has(record['grant']) || isWithin(timeOf(record), timeOf(record), filter);
    if (timely && matchesFilter(facts, timeless)) yield stored;
  }
}

/** The grants that were live at some moment of the filter's time; one without an end still is. */
function grantsWithin(home: Home, filter: RecordFilter): Set<unknown> {
  const within = new Set<unknown>();
  const open = new Map<unknown, number>();
  for (const { record } of readRecords(home)) {
    const { grant, type } = record;
    if (type === 'grant.issued') open.set(grant, timeOf(record));
    const start = type === 'grant.ended' ? open.get(grant) : undefined;
    if (start === undefined) continue;
    open.delete(grant);
    if (isWithin(start, timeOf(record), filter)) within.add(grant);
  }
  for (const [grant, start] of open) if (isWithin(start, Infinity, filter)) within.add(grant);
  return within;
}
