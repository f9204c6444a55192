import { HaspError } from '@hasp/core';
import type { Finder } from '@hasp/match';
import { type ContentScan, scanContent } from '../scan/content.ts';
import type { Where } from '../scan/finding.ts';
import type { ObjectListener } from './batch.ts';
import { type Inspection, inspectObjects, type ObjectHit } from './inspect.ts';
import { largeFileFolders, readLargeFile } from './large-files.ts';
import { describeHits, type Leak } from './leak.ts';
import type { GitPlace } from './process.ts';

export interface ObjectScan {
  readonly leaks: readonly Leak[];
  readonly counted: Inspection['counted'];
  readonly skipped: Inspection['skipped'];
}

export interface ObjectScanOptions {
  /** In which other places the same hit is. */
  readonly rename?: (hit: ObjectHit) => readonly ObjectHit[];
  /** Names what Git LFS has not here among what was skipped, and goes on. */
  readonly goesOn?: boolean;
  /** Is told now and then how many objects were begun. */
  readonly progress?: ((objects: number) => void) | undefined;
}

/** Looks into every object that `read` gives, and into what Git LFS keeps for it. @throws HaspError E_STORAGE, E_SPAWN */
export async function scanObjects(
  place: GitPlace,
  finder: Finder,
  read: (listener: ObjectListener) => Promise<void>,
  { rename = (hit) => [hit], goesOn = false, progress }: ObjectScanOptions = {},
): Promise<ObjectScan> {
  const openBlob = (): ContentScan => scanContent(finder);
  const inspection = inspectObjects(finder, openBlob);
  await read(progress === undefined ? inspection : counting(inspection, progress));
  const missing: Inspection['skipped'][number][] = [];
  const inLargeFiles = await scanLargeFiles(place, inspection.largeFiles, openBlob, goesOn ? missing : undefined);
  const hits = [...inspection.hits, ...inLargeFiles].flatMap(rename);
  const { counted, skipped } = inspection;
  return { leaks: await describeHits(place, hits, finder), counted, skipped: [...skipped, ...missing] };
}

function counting(inspection: Inspection, progress: (objects: number) => void): ObjectListener {
  const { counted } = inspection;
  return {
    begin(header) {
      inspection.begin(header);
      if ((counted.objects & 0xff) === 0) progress(counted.objects);
    },
    piece: (bytes, isLast) => inspection.piece(bytes, isLast),
    end: () => inspection.end(),
  };
}

async function scanLargeFiles(
  place: GitPlace,
  pointers: Inspection['largeFiles'],
  openBlob: () => ContentScan,
  missing: Inspection['skipped'][number][] | undefined,
): Promise<ObjectHit[]> {
  if (pointers.length === 0) return [];
  const folders = await largeFileFolders(place);
  const hits: ObjectHit[] = [];
  const seen = new Set<string>();
  for (const { oid, path, commit, what } of pointers) {
    if (seen.has(what.oid) || what.size === 0) continue;
    seen.add(what.oid);
    const search = openBlob();
    try {
      await readLargeFile(folders, what, (piece) => search.feed(piece));
    } catch (error) {
      if (missing === undefined || !(error instanceof HaspError)) throw error;
      missing.push({
        oid,
        path,
        commit,
        what: { why: 'stands for a Git LFS object that is not here, or not whole', count: 1 },
      });
    }
    for (const found of search.end().findings) {
      const inside = found.inside === undefined ? '(Git LFS)' : `(Git LFS)!/${found.inside}`;
      hits.push({ ...found, inside, oid, type: 'blob', path, commit });
    }
  }
  return hits;
}

/** Looks into one text. `where` is what it is. */
export function scanText(finder: Finder, bytes: Uint8Array, where: Where): Leak[] {
  const search = finder.search();
  search.feed(bytes);
  return search.end().map(({ name, spelling, start }) => ({ secret: name, spelling, where, offset: start }));
}

/** For a place that is no object of git's. */
export function unreadable(what: string): HaspError {
  return new HaspError('E_STORAGE', `${what} could not be read, so nothing was checked`);
}
