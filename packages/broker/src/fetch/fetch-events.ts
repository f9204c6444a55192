import type { GrantDeliveredEvent, GrantDeniedEvent, GrantIssuedEvent, ProcessIdentity } from '@hasp/core';
import type { Peer } from '@hasp/process-tree';
import type { Asker } from './asker.ts';
import type { FetchedGrant } from './fetched-grant.ts';

/** Of this machine and this broker: the same in every record. */
export interface RecordFacts {
  readonly uid: number;
  readonly host: string;
  readonly broker: ProcessIdentity;
}

/** How a question went. */
export interface Asked {
  readonly reason?: string;
  readonly latencyMs: number;
  /** The record is one use of the rule. */
  readonly limitKey?: string;
}

export function issuedEvent(grant: FetchedGrant, asked: Asked, facts: RecordFacts): GrantIssuedEvent {
  return {
    type: 'grant.issued',
    run: grant.run,
    grant: grant.id,
    secret: grant.secret,
    version: grant.version,
    delivery: 'ask',
    scope: grant.holder === undefined ? 'tree' : 'root',
    agent: grant.agent,
    rule: grant.rule,
    ...(asked.reason === undefined ? {} : { reason: asked.reason }),
    ...(asked.limitKey === undefined ? {} : { limitKey: asked.limitKey }),
    expiresAt: new Date(grant.expiresAt).toISOString(),
    command: [],
    ...(grant.peer === undefined ? {} : { peer: peerFacts(grant.peer) }),
    uid: facts.uid,
    host: facts.host,
    stragglers: 'leave',
    wrapper: facts.broker,
    tracking: 'full',
  };
}

export function deliveredEvent(grant: FetchedGrant, asker: Asker, asked: Asked): GrantDeliveredEvent {
  return {
    type: 'grant.delivered',
    run: grant.run,
    grant: grant.id,
    secret: grant.secret,
    version: grant.version,
    agent: asker.agent,
    rule: grant.rule,
    ...(asked.reason === undefined ? {} : { reason: asked.reason }),
    ...(asked.limitKey === undefined ? {} : { limitKey: asked.limitKey }),
    latencyMs: asked.latencyMs,
    ...(asker.peer === undefined ? {} : { peer: peerFacts(asker.peer) }),
  };
}

export function deniedEvent(
  run: string,
  secret: string,
  denied: { readonly rule: string; readonly why: string },
  asker: Asker,
  asked: Asked,
  facts: RecordFacts,
): GrantDeniedEvent {
  return {
    type: 'grant.denied',
    run,
    grant: `${run}-1`,
    secret,
    delivery: 'ask',
    agent: asker.agent,
    ...(asked.reason === undefined ? {} : { reason: asked.reason }),
    command: [],
    ...(asker.peer === undefined ? {} : { peer: peerFacts(asker.peer) }),
    uid: facts.uid,
    host: facts.host,
    rule: denied.rule,
    why: denied.why,
    latencyMs: asked.latencyMs,
  };
}

function peerFacts({ identity: { pid, startTime }, command }: Peer) {
  return { pid, startTime, command };
}
