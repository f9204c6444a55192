import { isLimited } from '@hasp/core/rules';
import type { DecideFetch } from '../fetch/fetch-decision.ts';
import type { AgentDecisions, AgentWish } from './agent-decisions.ts';
import type { Rulebook } from './rulebook.ts';

/** What is fetched from the broker goes to no command and comes from no manifest: the rules alone decide. */
export function fetchDecisions(decisions: AgentDecisions, rulebook: Rulebook): DecideFetch {
  return async (asker, { secret, version, reason, ttlMs }, gone) => {
    const agent = { name: asker.agent, limitKey: asker.limitKey };
    const wish: AgentWish = {
      binding: {
        reference: { name: secret, ...(version === undefined ? {} : { version }) },
        delivery: { kind: 'ask' },
      },
      origin: { kind: 'flags' },
      ...(reason === undefined ? {} : { reason }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    };
    // Only a rule that asks a person looks whether somebody still waits.
    const waiting = {
      asked: () => {},
      get gone() {
        return gone();
      },
    };
    const facts = { projectTrusted: false, agentTargets: [] };
    const decision = await decisions.decide(agent, wish, facts, waiting);
    if (decision.effect === 'deny') return decision;
    const rule = rulebook.rule(decision.rule);
    return {
      effect: 'allow',
      rule: decision.rule,
      why: decision.why,
      ...(decision.maxTtlMs === undefined ? {} : { maxTtlMs: decision.maxTtlMs }),
      ...(rule !== undefined && isLimited(rule) ? { limitKey: asker.limitKey } : {}),
      giveBack: () => decisions.giveBack(agent, [decision]),
    };
  };
}
