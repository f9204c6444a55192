import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type Project, readProject } from '@hasp/broker';
import { HaspError, type Manifest } from '@hasp/core';

/**
 * The nearest hasp.json upwards, not above the repository's top or HOME.
 * @throws HaspError E_MANIFEST_INVALID
 */
export function findProject(cwd: string, userHome: string | undefined): Project | undefined {
  const stop = userHome === undefined ? undefined : realPath(userHome);
  for (let folder = realPath(cwd); ; folder = path.dirname(folder)) {
    const project = readProject(folder);
    if (project !== undefined) return project;
    const isTop = folder === stop || folder === path.dirname(folder) || existsSync(path.join(folder, '.git'));
    if (isTop) return undefined;
  }
}

/** @throws HaspError E_NO_PROJECT, E_MANIFEST_INVALID */
export function requireProject(cwd: string, userHome: string | undefined): Project {
  const project = findProject(cwd, userHome);
  if (project !== undefined) return project;
  throw new HaspError('E_NO_PROJECT', 'no hasp.json here or above', 'make one: hasp project init');
}

function realPath(place: string): string {
  try {
    return realpathSync.native(place);
  } catch {
    return path.resolve(place);
  }
}

/** The names of all secrets that a manifest may open, each once, sorted. */
export function namesOpened(manifest: Manifest): string[] {
  const wishes = [manifest, ...manifest.targets.values()];
  const names = wishes.flatMap(({ bindings, ask }) => [...bindings.map((binding) => binding.reference), ...ask]);
  return [...new Set(names.map((reference) => reference.name))].sort();
}
