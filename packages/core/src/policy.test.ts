import { describe, expect, it } from 'vitest';
import { type AccessRequest, decide } from './policy.ts';

const binding = { reference: { name: 'db/url' }, delivery: { kind: 'env', variable: 'DATABASE_URL' } } as const;
const byManifest: AccessRequest = { binding, origin: { kind: 'manifest', target: 'test' } };
const byFlags: AccessRequest = { binding, origin: { kind: 'flags' } };

describe('the policy (I3)', () => {
  it('opens nothing for a manifest without consent', () => {
    expect(decide(byManifest, { projectTrusted: false })).toMatchObject({
      effect: 'deny',
      code: 'E_UNTRUSTED_PROJECT',
    });
  });

  it('opens what a trusted manifest names', () => {
    expect(decide(byManifest, { projectTrusted: true })).toMatchObject({ effect: 'allow', rule: 'trusted-manifest' });
  });

  it('opens what a person names, whatever the manifest', () => {
    expect(decide(byFlags, { projectTrusted: false })).toMatchObject({ effect: 'allow', rule: 'person-flags' });
  });

  it('denies what no rule allows, and says why', () => {
    const unheard = { binding, origin: { kind: 'rumour' } } as unknown as AccessRequest;
    const decision = decide(unheard, { projectTrusted: true });
    expect(decision).toMatchObject({ effect: 'deny', rule: 'default-deny', code: 'E_DENIED' });
    expect(decision.why).not.toBe('');
  });
});
