import path from 'node:path';
import type { Project } from '@hasp/broker';
import { RemoteSession } from '@hasp/broker/session';
import { formatReference, HaspError, parseDuration } from '@hasp/core';
import { parseAgentName } from '@hasp/core/rules';
import { closeInspector, exitLike, hardenSelf, holdSignals, resolveCommand } from '@hasp/process-tree';
import { readVaultHeader } from '@hasp/vault';
import { baseEnvironment } from '../child-environment.ts';
import { type Answer, type CommandInput, textOption, word } from '../command.ts';
import type { Context } from '../context.ts';
import { checkHome } from '../home-guard.ts';
import { isKeyExposed } from '../key-exposed.ts';
import { printError, say } from '../output.ts';
import { findProject } from '../project.ts';
import { openSessionBroker } from '../session-broker.ts';
import { refuseInside } from '../session-place.ts';
import { listOf } from '../stragglers.ts';
import { superviseSession } from '../supervise-session.ts';
import { unfaithful, unfound } from '../unstartable.ts';

const GRACE_MS = 2_000;

/**
 * Starts an agent below this process, which the broker knows by the kernel's word and which holds a line to it for
 * as long as it lives. Ends the way the agent ended.
 */
export async function startSession(input: CommandInput, context: Context): Promise<Answer> {
  if (context.inherited.invalidUtf8) throw unfaithful();
  checkHome(context.home, context.uid);
  const command = [word(input, 'COMMAND'), ...input.more];
  const agent = parseAgentName(textOption(input, 'agent') ?? nameOf(command[0] ?? ''));
  const ttl = textOption(input, 'ttl');
  const ttlMs = ttl === undefined ? undefined : ttlOf(ttl);
  const outer = context.inside?.agent;
  if (context.inside !== undefined && outer !== agent) refuseInside(context, `a session of ${agent}`);
  const inherited = baseEnvironment(context, false);
  const resolution = resolveCommand(command[0] ?? '', inherited.get('PATH'), context.cwd);
  if ('problem' in resolution) {
    const { fault, status } = unfound(command[0] ?? '', resolution.problem);
    printError(fault, input.json);
    return { status };
  }

  // Before this process takes in every orphan below it.
  const link = await openSessionBroker(input, context);
  if (typeof link === 'number') return { status: link };
  const signals = holdSignals(context.inherited);
  const { tracking } = hardenSelf();
  await closeInspector();

  const project = projectOf(context);
  const session = await RemoteSession.start(
    context.home,
    link,
    {
      agent,
      command,
      cwd: context.cwd,
      tracking,
      graceMs: GRACE_MS,
      keyExposed: isKeyExposed(input, context),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(project && { projectFacts: { root: project.root, manifestHash: project.manifestHash } }),
    },
    inherited,
  );
  tell(session, agent, context);
  const environment = environmentFor(session, inherited, session.isTrusted ? project : undefined, agent);
  const journey = { context, input, signals, tracking, command, path: resolution.path, environment };
  const { end, trouble } = await superviseSession(journey, session);
  if (trouble !== undefined) printError(trouble, input.json);
  if (end.survivors.length > 0) say(`the session of ${agent} left processes: ${listOf(end.survivors)}`);
  return exitLike(end.exit);
}

function nameOf(command: string): string {
  return path.basename(command);
}

function ttlOf(text: string): number {
  const ttlMs = parseDuration(text);
  if (ttlMs > 0) return ttlMs;
  throw new HaspError('E_USAGE', 'a ttl of nothing is no session', 'for example --ttl 8h');
}

/** What a session gets: nothing that the vault manages; references to what the agent may run. */
function environmentFor(
  { state, withheld }: RemoteSession,
  inherited: ReadonlyMap<string, string>,
  project: Project | undefined,
  agent: string,
): Map<string, string> {
  const environment = new Map(inherited);
  for (const name of withheld) environment.delete(name);
  for (const target of project?.manifest.agents.get(agent) ?? []) {
    for (const { delivery, reference } of project?.manifest.targets.get(target)?.bindings ?? []) {
      if (delivery.kind !== 'env' || environment.has(delivery.variable)) continue;
      environment.set(delivery.variable, formatReference(reference));
    }
  }
  return environment.set('HASP_SESSION', state.session);
}

function tell({ state, withheld }: RemoteSession, agent: string, { home }: Context): void {
  if (withheld.length > 0) {
    say(`kept from ${agent}, since their values are in the vault: ${withheld.join(', ')}`);
  }
  if (state.keyExposed) {
    const { keySource } = readVaultHeader(home);
    const key =
      keySource === 'keyring' ? `key that ${agent} can ask the keyring for` : `key file that ${agent} can read`;
    say(`the vault opens with a ${key}, so nothing in it is kept from ${agent}: see hasp doctor`);
  }
}

/** One that can't be read gives no references, and is said where it is used. */
function projectOf({ cwd, environment }: Context): Project | undefined {
  try {
    return findProject(cwd, environment.get('HOME'));
  } catch (error) {
    if (error instanceof HaspError) return undefined;
    throw error;
  }
}
