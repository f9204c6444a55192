import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
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

/** Undefined where the folder has no manifest. @throws HaspError E_MANIFEST_INVALID */
export function readProject(root: string): Project | undefined {
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
