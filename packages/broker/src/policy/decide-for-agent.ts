import type { Clock } from '@hasp/core';
import {
  type Access,
  type AgentIdentity,
  type AgentRequest,
  decideAccess,
  isLimited,
  type Policy,
  type Rule,
} from '@hasp/core/rules';
import type { IdentityServer } from './identity-server.ts';
import type { Limits } from './limits.ts';

/** What the broker decides by; `policy` is what is in force at each look. */
export interface AgentRuleParts {
  readonly source: { readonly policy: Policy };
  readonly limits: Limits;
  readonly identityServer: IdentityServer;
  readonly clock: Clock;
  /** Whether the secret can do more than when that was last accepted; asked only where a rule wants to know. */
  readonly scopesGrown: (secret: string) => boolean;
}

export interface AskingAgent {
  readonly name: string;
  /** The public id of its token, or its session's id. */
  readonly limitKey: string;
}

/** What the agent asks for, all or nothing. */
export interface AgentWishes {
  readonly requests: readonly AgentRequest[];
  readonly projectTrusted: boolean;
  /** Those that the trusted manifest gives this agent. */
  readonly agentTargets: readonly string[];
  /** The ids of ask rules to which a person has said yes. */
  readonly approved?: ReadonlySet<string>;
}

type Allowed = Access & { readonly effect: 'allow' | 'ask' };
type Denied = Access & { readonly effect: 'deny' };

export type Ruling =
  | {
      readonly effect: 'allow';
      /** In the order of the requests; `limitKey` belongs into the record where it is there. */
      readonly accesses: readonly (Allowed & { readonly limitKey?: string })[];
      /** The uses are counted. If nothing comes of them, they were none. */
      readonly giveBack: () => void;
    }
  /** Nothing is counted yet: ask a person, then decide again with `approved`. */
  | { readonly effect: 'ask'; readonly rules: ReadonlySet<string>; readonly accesses: readonly Allowed[] }
  | { readonly effect: 'deny'; readonly request: AgentRequest; readonly access: Denied };

/**
 * Decides, and counts what it allows in the same turn: no two questions share the last token. The identity
 * server is asked once, and only if a rule wants it; then everything is looked at again.
 */
export async function decideForAgent(parts: AgentRuleParts, agent: AskingAgent, wishes: AgentWishes): Promise<Ruling> {
  const first = decideNow(parts, agent, wishes, undefined);
  if (first !== 'needs-identity') return first;
  const second = decideNow(parts, agent, wishes, await parts.identityServer.ask(agent.name));
  if (second === 'needs-identity') throw new Error('a rule wants to know what is known');
  return second;
}

function decideNow(
  parts: AgentRuleParts,
  agent: AskingAgent,
  wishes: AgentWishes,
  identity: AgentIdentity | undefined,
): Ruling | 'needs-identity' {
  const { limits, clock, scopesGrown } = parts;
  const { policy } = parts.source;
  const taken: Rule[] = [];
  const giveBack = () => {
    for (const rule of taken.splice(0)) limits.giveBack(agent.limitKey, rule);
  };
  const accesses: (Allowed & { readonly limitKey?: string })[] = [];
  for (const request of wishes.requests) {
    const access = decideAccess({ kind: 'agent', name: agent.name }, request, policy, {
      now: clock(),
      ...limits.factsOf(agent.limitKey),
      identity,
      get scopesGrown() {
        return scopesGrown(request.binding.reference.name);
      },
      projectTrusted: wishes.projectTrusted,
      agentTargets: wishes.agentTargets,
    });
    if (access.effect === 'needs-identity' || access.effect === 'deny') {
      giveBack();
      return access.effect === 'deny' ? { effect: 'deny', request, access } : access.effect;
    }
    const limited = policy.rules.find((rule) => rule.id === access.rule && isLimited(rule));
    if (limited !== undefined) {
      limits.take(agent.limitKey, limited);
      taken.push(limited);
    }
    accesses.push({ ...access, ...(limited === undefined ? {} : { limitKey: agent.limitKey }) });
  }
  const open = accesses.filter(({ effect, rule }) => effect === 'ask' && wishes.approved?.has(rule) !== true);
  if (open.length === 0) return { effect: 'allow', accesses, giveBack };
  giveBack();
  return { effect: 'ask', rules: new Set(open.map(({ rule }) => rule)), accesses };
}
