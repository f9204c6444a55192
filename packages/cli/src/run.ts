import type { Explained, GrantedRun, Project, RunRequest } from '@hasp/broker';
import { HaspError, type Tracking } from '@hasp/core';
import { exitLike, type HeldSignals, resolveCommand, selfIdentity } from '@hasp/process-tree';
import { baseEnvironment } from './child-environment.ts';
import type { Context } from './context.ts';
import { printDryRun } from './dry-run.ts';
import type { RunInput } from './input.ts';
import { printError, say } from './output.ts';
import { findProject, requireProject } from './project.ts';
import { needsManifest, planRun, type RunPlan } from './run-plan.ts';
import { sayStragglers } from './stragglers.ts';
import { superviseRun } from './supervise-run.ts';
import { unfaithful, unfound } from './unstartable.ts';

/** What hasp made of itself before the run. */
export interface Readiness {
  readonly signals: HeldSignals;
  readonly tracking: Tracking;
  /** Resolves when nobody can look into this process any more: no key and no value before. */
  readonly unseen: Promise<void>;
}

/** One run on its way: what was asked, what was made of it. */
export interface Journey extends Readiness {
  readonly input: RunInput;
  readonly context: Context;
  readonly plan: RunPlan;
  /** What the child starts from, before anything is granted. */
  readonly environment: ReadonlyMap<string, string>;
}

/** Who decides, whether in this process or in another. */
export interface RunBroker {
  /** The agent session that this process is in. */
  readonly session?: string | undefined;
  /** What `resolve` would decide; delivers and records nothing. */
  explain(request: RunRequest): readonly Explained[] | Promise<readonly Explained[]>;
  /** A text of the command line without the values that the request would open. */
  mask(request: RunRequest, text: string): string | Promise<string>;
  resolve(request: RunRequest): GrantedRun | Promise<GrantedRun>;
}

/** @throws HaspError where there is none to ask: then nothing starts */
export type OpenBroker = (journey: Journey, request: RunRequest) => Promise<RunBroker>;

/**
 * decide → record → deliver → spawn → watch the tree → end and record. Ends this process the way
 * the child ended. @throws HaspError for everything that keeps the child from starting.
 */
export async function run(input: RunInput, context: Context, ready: Readiness, openBroker: OpenBroker): Promise<void> {
  if (context.inherited.invalidUtf8) throw unfaithful();
  const project = needsManifest(input) ? projectFor(input, context) : undefined;
  const plan = planRun(input, project?.manifest);
  if (plan.ttlCut) say(`a ttl of ${input.ttl ?? 'the manifest'} is over the ceiling: grants end after 24h`);
  const planned: Journey = { ...ready, input, context, plan, environment: baseEnvironment(context, plan.pristine) };
  const request = requestFor(planned, project);
  const broker = await openBroker(planned, request);
  const journey = withinSession(planned, broker.session ?? context.environment.get('HASP_SESSION'));
  const resolution = resolveCommand(input.command[0] ?? '', journey.environment.get('PATH'), context.cwd);
  if (input.dryRun) {
    printDryRun(await broker.explain(request), resolution, input);
    process.exit(0);
  }
  // As a shell has it; nothing was granted yet, so there is nothing to record.
  if ('problem' in resolution) {
    const { fault, status } = unfound(await broker.mask(request, input.command[0] ?? ''), resolution.problem);
    printError(fault, input.json);
    process.exit(status);
  }
  const open = await broker.resolve(request);
  const { end, trouble } = await superviseRun(journey, open, resolution.path);
  if (trouble !== undefined) printError(trouble, input.json);
  sayStragglers(request, end.survivors, plan.stragglers);
  exitLike(end.exit);
}

/** There everything is masked, on a terminal as well. @throws HaspError E_AGENT_SESSION */
function withinSession(journey: Journey, session: string | undefined): Journey {
  if (!session) return journey;
  if (journey.input.redact === 'never') {
    throw new HaspError(
      'E_AGENT_SESSION',
      '--redact never is refused inside an agent session',
      'leave it out: what is printed there is always masked',
    );
  }
  const environment = new Map(journey.environment).set('HASP_SESSION', session);
  return { ...journey, plan: { ...journey.plan, redact: 'always' }, environment };
}

function projectFor(input: RunInput, context: Context): Project | undefined {
  const userHome = context.environment.get('HOME');
  return input.target === undefined ? findProject(context.cwd, userHome) : requireProject(context.cwd, userHome);
}

function requestFor(
  { input, context, plan, environment, tracking }: Journey,
  project: Project | undefined,
): RunRequest {
  const name = project?.manifest.project;
  return {
    wishes: plan.wishes,
    ...(project === undefined ? {} : { projectFacts: { root: project.root, manifestHash: project.manifestHash } }),
    ...(name === undefined ? {} : { project: name }),
    ...(plan.target === undefined ? {} : { target: plan.target }),
    ...(input.reason === undefined ? {} : { reason: input.reason }),
    command: input.command,
    ttlMs: plan.ttlMs,
    stragglers: plan.stragglers,
    graceMs: plan.graceMs,
    scope: plan.scope,
    override: input.override,
    caller: { wrapper: selfIdentity(), tracking, uid: context.uid, host: context.host, cwd: context.cwd, environment },
  };
}
