import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { HaspError, type Manifest, parseManifest } from '@hasp/core';

export const MANIFEST_NAME = 'hasp.json';
const MAX_MANIFEST_BYTES = 1024 * 1024;

/** A manifest as found: its place, its content's hash, and what it says. */
export interface Project {
  /** Real path of the folder that holds it. */
  readonly root: string;
  readonly file: string;
  readonly manifestHash: string;
  readonly manifest: Manifest;
}

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

function readProject(root: string): Project | undefined {
  const file = path.join(root, MANIFEST_NAME);
  const bytes = readManifestBytes(file);
  if (bytes === undefined) return undefined;
  // The very bytes that are parsed are the bytes that the consent is about.
  const manifestHash = createHash('sha256').update(bytes).digest('hex');
  return { root, file, manifestHash, manifest: parseManifest(decode(bytes, file), file) };
}

function readManifestBytes(file: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new HaspError(
      'E_MANIFEST_INVALID',
      `${file} could not be read (${code ?? 'unknown error'})`,
      `look at it: ls -l ${file}`,
    );
  }
  try {
    const status = fstatSync(descriptor);
    if (status.isFile() && status.size <= MAX_MANIFEST_BYTES) return readFileSync(descriptor);
    throw new HaspError('E_MANIFEST_INVALID', `${file} is no file of at most 1 MiB`, `look at it: ls -l ${file}`);
  } finally {
    closeSync(descriptor);
  }
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HaspError('E_MANIFEST_INVALID', `${file} is not UTF-8`, 'save it as UTF-8');
  }
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
