import type { AccessRequest, Decision } from '@hasp/core';
import {
  type Access,
  type AccessFacts,
  type AgentIdentity,
  decideAccess,
  type NamedCommand,
  type Rule,
  shownCommand,
} from '@hasp/core/rules';
import type { RunAgent } from '../run-request.ts';
import type { Approval, Approvals } from './approvals.ts';
import type { Rulebook } from './rulebook.ts';

/** One wish of an agent. */
export interface AgentWish extends AccessRequest {
  /** Absent where the value goes to no command that hasp starts. */
  readonly command?: NamedCommand;
  /** Only where it was asked for in so many words. */
  readonly ttlMs?: number;
  readonly reason?: string;
}

export type WishFacts = Pick<AccessFacts, 'projectTrusted' | 'agentTargets'>;

/** Whoever waits for the answer. */
export interface Waiting {
  /** A person is asked: by this approval. */
  asked(approval: Approval): void;
  /** It has gone. */
  readonly gone: AbortSignal;
}

export type AgentDecision = Decision & {
  /** No grant by this may last longer. */
  readonly maxTtlMs?: number;
  /** A person said yes. */
  readonly approved?: true;
};

/** What the rules say to agents, with all that they need to know of the world. Uses are counted as they are allowed. */
export class AgentDecisions {
  readonly #rulebook: Rulebook;
  readonly #approvals: Approvals;
  readonly #clock: () => number;
  readonly #scopesGrown: (secret: string) => boolean;

  /** @param scopesGrown whether a secret can do more than was accepted; asked only where a rule wants to know */
  constructor(rulebook: Rulebook, approvals: Approvals, clock: () => number, scopesGrown: (secret: string) => boolean) {
    this.#rulebook = rulebook;
    this.#approvals = approvals;
    this.#clock = clock;
    this.#scopesGrown = scopesGrown;
  }

  /** Allows each of the wishes, or counts no use of any. In their order. */
  async decideAll(
    agent: RunAgent,
    wishes: readonly { readonly wish: AgentWish; readonly facts: WishFacts }[],
    waiting: Waiting,
  ): Promise<AgentDecision[]> {
    const decisions: AgentDecision[] = [];
    for (const { wish, facts } of wishes) {
      const decision = await this.decide(agent, wish, facts, waiting);
      decisions.push(decision);
      if (decision.effect === 'allow') continue;
      this.giveBack(agent, decisions);
      break;
    }
    return decisions;
  }

  /** After a person's yes all is looked at again: rules and clocks may have changed meanwhile. */
  async decide(agent: RunAgent, wish: AgentWish, facts: WishFacts, waiting: Waiting): Promise<AgentDecision> {
    let identity: AgentIdentity | undefined;
    const approved = new Set<string>();
    for (;;) {
      const access = this.#look(agent, wish, facts, identity);
      if (access.effect === 'needs-identity') {
        identity = await this.#rulebook.identities.ask(agent.name);
        continue;
      }
      if (access.effect === 'deny') return { ...access, code: 'code' in access ? access.code : 'E_DENIED' };
      if (access.effect === 'ask' && !approved.has(access.rule)) {
        const yes = await this.#isApproved(agent, wish, access.rule, waiting);
        if (!yes) return { effect: 'deny', rule: access.rule, code: 'E_DENIED', why: 'No person approved it' };
        approved.add(access.rule);
        identity = undefined;
        continue;
      }
      const rule = this.#rulebook.rule(access.rule);
      // In the same turn as the decision, so that no other use comes between.
      if (rule !== undefined) this.#rulebook.limits.take(agent.limitKey, rule);
      if (access.effect === 'allow') return { ...access, effect: 'allow' };
      return { ...access, effect: 'allow', why: `A person approved it, as rule ${access.rule} asks`, approved: true };
    }
  }

  #look(agent: RunAgent, wish: AgentWish, facts: WishFacts, identity: AgentIdentity | undefined): Access {
    const scopesGrown = this.#scopesGrown;
    return decideAccess({ kind: 'agent', name: agent.name }, wish, this.#rulebook.policy, {
      ...facts,
      ...this.#rulebook.limits.factsOf(agent.limitKey),
      now: this.#clock(),
      identity,
      get scopesGrown() {
        return scopesGrown(wish.binding.reference.name);
      },
    });
  }

  /** What was allowed came to nothing: it was no use. */
  giveBack(agent: RunAgent, decisions: readonly AgentDecision[]): void {
    for (const decision of decisions) {
      const rule = decision.effect === 'allow' ? this.#rulebook.rule(decision.rule) : undefined;
      if (rule !== undefined) this.#rulebook.limits.giveBack(agent.limitKey, rule);
    }
  }

  #isApproved(agent: RunAgent, wish: AgentWish, rule: Rule['id'], waiting: Waiting): Promise<boolean> {
    const { binding, command, reason } = wish;
    const request = {
      agent: agent.name,
      secret: binding.reference.name,
      rule,
      ...(command === undefined ? {} : { command: shownCommand(command.words) }),
      ...(reason === undefined ? {} : { reason }),
    };
    return this.#approvals.ask(request, (approval) => waiting.asked(approval), waiting.gone);
  }
}
