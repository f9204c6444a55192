import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { HaspError } from '@hasp/core';
import { GitFailure, type GitPlace, gitOutput } from './process.ts';

const PIECE = 256 * 1024;

/** Reads what Git LFS keeps in place of a blob. @throws HaspError E_STORAGE where it is not here, or not whole */
export async function readLargeFile(
  folders: readonly string[],
  { oid, size }: { readonly oid: string; readonly size: number },
  feed: (piece: Uint8Array) => void,
): Promise<void> {
  const descriptor = openFirst(folders.map((folder) => path.join(folder, oid.slice(0, 2), oid.slice(2, 4), oid)));
  if (descriptor === undefined) throw notWhole(oid, 'is not here');
  try {
    const piece = Buffer.allocUnsafe(PIECE);
    let done = 0;
    for (let read = -1; read !== 0; done += read) {
      read = readSync(descriptor, piece);
      if (read > 0) feed(piece.subarray(0, read));
    }
    if (done !== size) throw notWhole(oid, `has ${done} bytes in place of ${size}`);
  } finally {
    closeSync(descriptor);
  }
}

/** Where Git LFS looks: its storage, and those of the repositories that this one borrows from. */
export async function largeFileFolders(place: GitPlace): Promise<readonly string[]> {
  const [common = '', objects = ''] = (
    await gitOutput(place, ['rev-parse', '--git-common-dir', '--git-path', 'objects'])
  )
    .toString('utf8')
    .split('\n')
    .map((line) => path.resolve(place.cwd, line));
  const storage = await configuredStorage(place);
  const own = storage === '' ? path.join(common, 'lfs') : path.resolve(common, storage);
  const lent = alternatesOf(place, objects).map((folder) => path.join(folder, '../lfs'));
  return [own, ...lent].map((folder) => path.join(folder, 'objects'));
}

async function configuredStorage(place: GitPlace): Promise<string> {
  try {
    return (await gitOutput(place, ['config', '--type=path', '--get', 'lfs.storage']))
      .toString('utf8')
      .replace(/\n$/, '');
  } catch (error) {
    if (error instanceof GitFailure && error.status === 1) return '';
    throw error;
  }
}

function alternatesOf({ environment, cwd }: GitPlace, objects: string): string[] {
  const given = (environment.get('GIT_ALTERNATE_OBJECT_DIRECTORIES') ?? '')
    .split(':')
    .filter((folder) => folder !== '');
  let listed: string[] = [];
  try {
    listed = readFileSync(path.join(objects, 'info/alternates'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => path.resolve(objects, line));
  } catch {
    // There is none.
  }
  return [...given.map((folder) => path.resolve(cwd, folder)), ...listed];
}

function openFirst(files: readonly string[]): number | undefined {
  for (const file of files) {
    try {
      return openSync(file, 'r');
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

function notWhole(oid: string, how: string): HaspError {
  return new HaspError(
    'E_STORAGE',
    `Git LFS object ${oid} ${how}, so it could not be checked`,
    'fetch it, then try again: git lfs fetch --all',
  );
}
