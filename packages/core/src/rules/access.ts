import { type AccessRequest, type Decision, decide } from '../policy.ts';
import type { NamedCommand } from './command.ts';
import { evaluate, type Verdict } from './evaluate.ts';
import type { RuleFacts } from './question.ts';
import type { Policy } from './rule.ts';

/** Who asks: a person, outside of every agent session, or an agent by its session or token. */
export type Caller = { readonly kind: 'person' } | { readonly kind: 'agent'; readonly name: string };

export interface AccessFacts extends RuleFacts {
  /** The manifest's exact content and place have this machine's consent. */
  readonly projectTrusted: boolean;
  /** Those that the manifest gives the agent: `agents.NAME.targets`. */
  readonly agentTargets: readonly string[];
}

/** One wish, and what the rules may look at besides. */
export interface AgentRequest extends AccessRequest {
  /** Absent where the value goes to no command that hasp starts. */
  readonly command?: NamedCommand;
  /** Only where it was asked for in so many words. */
  readonly ttlMs?: number;
}

export type Access = Verdict | Decision;

/**
 * Who may have what, for everyone; the first line that applies decides.
 *  1. For a person: `decide`. The rules do not bind persons.
 *  2. A manifest without this machine's consent opens nothing.
 *  3. A deny rule that applies.
 *  4. The first allow or ask rule that applies: its selectors match, and its constraints hold.
 *  5. A trusted manifest, for the agents and targets that its `agents` names.
 *  6. Everything else is denied.
 */
export function decideAccess(caller: Caller, request: AgentRequest, policy: Policy, facts: AccessFacts): Access {
  if (caller.kind === 'person') return decide(request, facts);
  const { binding, origin, command, ttlMs } = request;
  if (origin.kind === 'manifest' && !facts.projectTrusted) return decide(request, facts);
  const target = origin.kind === 'manifest' ? origin.target : undefined;
  const verdict = evaluate(
    {
      agent: caller.name,
      secret: binding.reference.name,
      delivery: binding.delivery.kind,
      ...(command === undefined ? {} : { command }),
      ...(target === undefined ? {} : { target }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    },
    policy,
    facts,
  );
  const isOpen = verdict.effect === 'deny' && !verdict.explicit;
  return isOpen && target !== undefined && facts.agentTargets.includes(target)
    ? { effect: 'allow', rule: 'trusted-manifest', why: `The trusted manifest lets ${caller.name} run ${target}` }
    : verdict;
}
