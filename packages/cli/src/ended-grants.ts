import { readRecords } from '@hasp/audit';
import type { GrantIssuedEvent, Home } from '@hasp/core';

type Fields = Readonly<Record<string, unknown>>;

/** The grants that the log has ended, oldest first, as `hasp grants --all --json` shows them. */
export function endedGrants(home: Home) {
  const issued = new Map<unknown, Fields>();
  const ended: ReturnType<typeof endedGrant>[] = [];
  for (const { record } of readRecords(home)) {
    if (record['type'] === 'grant.issued') issued.set(record['grant'], record);
    const issue = record['type'] === 'grant.ended' ? issued.get(record['grant']) : undefined;
    if (issue === undefined) continue;
    issued.delete(record['grant']);
    ended.push(endedGrant(issue, record));
  }
  return ended;
}

/** `issue` is what this log wrote as a grant.issued. */
function endedGrant(issue: Fields, end: Fields) {
  const { delivery, variable } = issue as unknown as GrantIssuedEvent;
  const { grant, secret, version, scope, time, expiresAt, session, agent, project, target, reason, command } = issue;
  return {
    id: grant,
    secret,
    version,
    delivery,
    ...(variable === undefined ? {} : { variable }),
    scope,
    state: 'ended',
    issuedAt: time,
    expiresAt,
    endedAt: end['time'],
    endReason: end['endReason'],
    ...(session === undefined ? {} : { session }),
    ...(agent === undefined ? {} : { agent }),
    ...(project === undefined ? {} : { project }),
    ...(target === undefined ? {} : { target }),
    ...(reason === undefined ? {} : { reason }),
    command,
    ...(end['root'] === undefined ? {} : { root: end['root'] }),
    tree: [],
  };
}
