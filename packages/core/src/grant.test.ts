import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  denyGrant,
  type EndedGrant,
  endGrant,
  type IssuedGrant,
  issueGrant,
  type RequestedGrant,
  requestGrant,
} from './grant.ts';

const facts = { id: 'r-1', secret: 'db/url', delivery: { kind: 'env', variable: 'A' } } as const;
const issue = { version: 2, rule: 'person-flags', issuedAt: 1_000, expiresAt: 2_000 };

describe('a grant', () => {
  it('goes from requested to issued to ended and keeps what it knew', () => {
    const ended = endGrant(issueGrant(requestGrant(facts), issue), 'exited', 1_500);
    expect(ended).toEqual({ ...facts, ...issue, state: 'ended', endReason: 'exited', endedAt: 1_500 });
  });

  it('goes from requested to denied with the reason', () => {
    expect(denyGrant(requestGrant(facts), 'no rule')).toEqual({ ...facts, state: 'denied', why: 'no rule' });
  });

  it('has no other transition: the types do not allow one', () => {
    expectTypeOf(issueGrant).parameter(0).toEqualTypeOf<RequestedGrant>();
    expectTypeOf(denyGrant).parameter(0).toEqualTypeOf<RequestedGrant>();
    expectTypeOf(endGrant).parameter(0).toEqualTypeOf<IssuedGrant>();
    expectTypeOf<EndedGrant>().not.toExtend<IssuedGrant>();
  });
});
