import { HaspError } from '@hasp/core';
import { type Explained, isTrusted } from '../decision.ts';
import type { OpenRun } from '../open-run.ts';
import { nameCommand } from '../policy/name-command.ts';
import type { RunAgent, RunRequest } from '../run-request.ts';
import type { AgentDecision, AgentDecisions, Waiting } from './agent-decisions.ts';
import { checkManifest, targetsOf } from './manifest-check.ts';
import type { OpenVault } from './open-vault.ts';

/**
 * The runs that come over a line: what they say of a manifest is checked, and where an agent asks, the rules
 * decide.
 */
export class DecidedRuns {
  readonly #vault: OpenVault;
  readonly #decisions: AgentDecisions;

  constructor(vault: OpenVault, decisions: AgentDecisions) {
    this.#vault = vault;
    this.#decisions = decisions;
  }

  /** @throws HaspError as `Broker.resolve` */
  async open(request: RunRequest, waiting: Waiting): Promise<OpenRun> {
    const { agent } = request;
    if (agent === undefined) {
      checkManifest(request);
      return this.#vault.broker.resolve(request);
    }
    const decisions = await this.#decide(agent, request, waiting);
    if (decisions.some(({ effect }) => effect === 'deny')) return this.#vault.broker.resolve(request, decisions);
    try {
      if (waiting.gone.aborted) throw new HaspError('E_BROKER_UNREACHABLE', 'whoever asked has gone');
      return this.#vault.broker.resolve(cappedBy(request, decisions), decisions);
    } catch (error) {
      this.#decisions.giveBack(agent, decisions);
      throw error;
    }
  }

  /** Counts no use, and asks no person. */
  async explain(request: RunRequest): Promise<Explained[]> {
    const { agent } = request;
    if (agent === undefined) {
      checkManifest(request);
      return this.#vault.broker.explain(request);
    }
    const decisions = await this.#decide(agent, request, { asked: () => {}, gone: AbortSignal.abort() });
    if (decisions.every(({ effect }) => effect === 'allow')) this.#decisions.giveBack(agent, decisions);
    return this.#vault.broker.explain(request, decisions);
  }

  /** For an agent nothing of it, since nothing was decided. */
  mask(request: RunRequest, text: string): string {
    if (request.agent !== undefined) return 'the command';
    checkManifest(request);
    return this.#vault.broker.mask(request, text);
  }

  /** One for each wish: behind a denial, that denial. */
  async #decide(agent: RunAgent, request: RunRequest, waiting: Waiting): Promise<AgentDecision[]> {
    const manifest = checkManifest(request);
    const { vault } = this.#vault;
    const facts = {
      projectTrusted: isTrusted(request, vault),
      agentTargets: manifest === undefined ? [] : targetsOf(agent.name, manifest, request.command),
    };
    const { caller, reason } = request;
    const command = nameCommand(request.command, caller.environment.get('PATH'), caller.cwd);
    const wishes = request.wishes.map((wish) => ({
      wish: { ...wish, command, ...(reason === undefined ? {} : { reason }) },
      facts,
    }));
    const decisions = await this.#decisions.decideAll(agent, wishes, waiting);
    const last = decisions.at(-1);
    return request.wishes.map((_, index) => decisions[index] ?? (last as AgentDecision));
  }
}

/** No longer than the shortest of what the rules allow. */
function cappedBy(request: RunRequest, decisions: readonly AgentDecision[]): RunRequest {
  const limits = decisions.flatMap(({ maxTtlMs }) => (maxTtlMs === undefined ? [] : [maxTtlMs]));
  return { ...request, ttlMs: Math.min(request.ttlMs, ...limits) };
}
