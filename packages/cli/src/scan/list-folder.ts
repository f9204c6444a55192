import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { type BytePath, joinPath, systemPath } from './byte-path.ts';

type Kind = 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'device';

export interface Entry {
  readonly name: BytePath;
  readonly kind: Kind;
}

/** What is in a folder, in no order. @throws Error of node:fs */
export function listFolder(folder: BytePath): Entry[] {
  const place = folder === '' ? '.' : systemPath(folder);
  try {
    // For Node a name is text in some encoding: in this one it is its bytes.
    const entries = readdirSync(place, { withFileTypes: true, encoding: 'latin1' });
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // A file system that does not tell kinds makes Node look for each name, which it takes for text.
    const names = readdirSync(place, { encoding: 'latin1' });
    return names.map((name) => ({ name, kind: kindOf(lstatSync(systemPath(joinPath(folder, name)))) }));
  }
}

type Kinds = Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>;

export function kindOf(entry: Kinds): Kind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink()) return 'link';
  return entry.isFIFO() ? 'pipe' : entry.isSocket() ? 'socket' : 'device';
}
