import { type AuditEvent, HaspError, issueGrant, requestGrant, SecretValue } from '@hasp/core';
import { selfIdentity } from '@hasp/process-tree';
import { beforeEach, describe, expect, it } from 'vitest';
import { AskedGrants } from './asked-grants.ts';

const EXPIRES = 10_000;
const peer = { identity: selfIdentity(), command: 'named-after-value' };
let recorded: AuditEvent[];
let now: number;
let failure: Error | undefined;
let asked: AskedGrants;

function granted(secret: string, version: number) {
  const requested = requestGrant({ id: `run-${secret}-${version}`, secret, delivery: { kind: 'ask' } });
  const grant = issueGrant(requested, { version, rule: 'r', issuedAt: 0, expiresAt: EXPIRES });
  return { grant, value: new SecretValue(Buffer.from(`${secret} ${version}`)) };
}

beforeEach(() => {
  [recorded, now, failure] = [[], 0, undefined];
  const log = {
    append: (events: readonly AuditEvent[]) => {
      if (failure) throw failure;
      recorded.push(...events);
      return { chain: '', seq: recorded.length, mac: '' };
    },
  };
  const mask = (text: string) => text.replace('value', '[masked]');
  asked = new AskedGrants('run', [granted('a', 1), granted('a', 3), granted('b', 2)], log, () => now, mask);
});

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const refusal = (name: string): unknown => {
  try {
    return text(asked.fetch({ name }, peer));
  } catch (error) {
    return (error as HaspError).code;
  }
};

describe('what may be fetched', () => {
  it('is the version that is named, else the newest that was granted', () => {
    expect(text(asked.fetch({ name: 'a' }, peer))).toBe('a 3');
    expect(text(asked.fetch({ name: 'a', version: 1 }, peer))).toBe('a 1');
    expect(text(asked.fetch({ name: 'b', version: 2 }, peer))).toBe('b 2');
    expect(refusal('c')).toBe('E_GRANT_MISSING');
    expect(() => asked.fetch({ name: 'a', version: 2 }, peer)).toThrow(HaspError);
  });

  it('is recorded first, with who fetched and with no value', () => {
    asked.fetch({ name: 'b' }, peer);
    expect(recorded).toEqual([
      {
        type: 'grant.delivered',
        run: 'run',
        grant: 'run-b-2',
        secret: 'b',
        version: 2,
        peer: { pid: process.pid, startTime: peer.identity.startTime, command: 'named-after-[masked]' },
      },
    ]);
  });

  it('is nothing where it can not be recorded, whatever the reason', () => {
    for (const reason of [new HaspError('E_CHAIN_BROKEN', 'x'), new HaspError('E_AUDIT_WRITE', 'x'), new Error('x')]) {
      failure = reason;
      expect(refusal('a')).toBe('E_AUDIT_WRITE');
    }
  });

  it('is nothing from the end of the grants on, by the clock or by word', () => {
    now = EXPIRES - 1;
    expect(refusal('a')).toBe('a 3');
    now = EXPIRES;
    expect(refusal('a')).toBe('E_GRANT_MISSING');
    now = 0;
    asked.end();
    expect(refusal('a')).toBe('E_GRANT_MISSING');
    expect(recorded).toHaveLength(1);
  });
});
