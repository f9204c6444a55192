import { type AccessRequest, type Binding, HaspError, type Manifest } from '@hasp/core';
import { readProject } from '../project.ts';
import type { RunRequest } from '../run-request.ts';

/**
 * A wrapper says what the manifest wants; here it is read again, so that a line that claims a manifest
 * gets nothing that the manifest does not name. Undefined where nothing comes from one. @throws HaspError E_UNTRUSTED_PROJECT, E_MANIFEST_INVALID
 */
export function checkManifest(request: RunRequest): Manifest | undefined {
  const wishes = request.wishes.filter(({ origin }) => origin.kind === 'manifest');
  if (wishes.length === 0) return undefined;
  const manifest = request.projectFacts && readManifest(request.projectFacts);
  if (manifest === undefined) throw changed();
  for (const wish of wishes) if (!isNamed(wish, manifest)) throw changed();
  return manifest;
}

/** The targets that the manifest lets the agent run, as far as this is their command. */
export function targetsOf(agent: string, manifest: Manifest, command: readonly string[]): string[] {
  const targets = manifest.agents.get(agent) ?? [];
  return targets.filter((name) => {
    const target = manifest.targets.get(name);
    return target?.command.every((word, index) => word === command[index]) ?? false;
  });
}

/** As the consent has it. @throws HaspError E_MANIFEST_INVALID */
function readManifest({ root, manifestHash }: NonNullable<RunRequest['projectFacts']>): Manifest | undefined {
  const project = readProject(root);
  return project?.manifestHash === manifestHash ? project.manifest : undefined;
}

function isNamed({ binding, origin }: AccessRequest, manifest: Manifest): boolean {
  const target = origin.kind === 'manifest' ? origin.target : undefined;
  const source = target === undefined ? manifest : manifest.targets.get(target);
  if (source === undefined) return false;
  const asked = source.ask.map((reference): Binding => ({ reference, delivery: { kind: 'ask' } }));
  return [...source.bindings, ...asked].some((known) => isSame(known, binding));
}

function isSame(one: Binding, other: Binding): boolean {
  const variableOf = ({ delivery }: Binding) => ('variable' in delivery ? delivery.variable : undefined);
  return (
    one.reference.name === other.reference.name &&
    one.reference.version === other.reference.version &&
    one.delivery.kind === other.delivery.kind &&
    variableOf(one) === variableOf(other)
  );
}

function changed(): HaspError {
  return new HaspError(
    'E_UNTRUSTED_PROJECT',
    'the manifest is not what the request says of it',
    'it may have changed just now: try again, or hasp project trust',
  );
}
