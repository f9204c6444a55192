import type { Binding } from './delivery.ts';

/** Where a request's bindings came from: named on the command line, or read from a manifest. */
export type BindingOrigin = { readonly kind: 'flags' } | { readonly kind: 'manifest'; readonly target?: string };

export interface AccessRequest {
  readonly binding: Binding;
  readonly origin: BindingOrigin;
}

/** What is true of the world at the moment of the decision; gathered by the broker. */
export interface PolicyFacts {
  /** The manifest's exact content and place have this machine's consent. */
  readonly projectTrusted: boolean;
}

export type Decision =
  | { readonly effect: 'allow'; readonly rule: string; readonly why: string }
  | {
      readonly effect: 'deny';
      readonly rule: string;
      readonly code: 'E_DENIED' | 'E_UNTRUSTED_PROJECT';
      readonly why: string;
    };

/**
 * Deny unless something allows; the first line that applies decides.
 *  1. A manifest without this machine's consent opens nothing.
 *  2. A trusted manifest opens what it names.
 *  3. A person (no agent session above this process) may use what the flags name.
 *  4. Everything else is denied.
 */
export function decide(request: AccessRequest, facts: PolicyFacts): Decision {
  switch (request.origin.kind) {
    case 'manifest':
      if (!facts.projectTrusted) {
        return {
          effect: 'deny',
          rule: 'untrusted-manifest',
          code: 'E_UNTRUSTED_PROJECT',
          why: 'the manifest has no consent on this machine',
        };
      }
      return { effect: 'allow', rule: 'trusted-manifest', why: 'the trusted manifest names it' };
    case 'flags':
      return { effect: 'allow', rule: 'person-flags', why: 'a person named it on the command line' };
    default:
      return { effect: 'deny', rule: 'default-deny', code: 'E_DENIED', why: 'no rule allows it' };
  }
}
