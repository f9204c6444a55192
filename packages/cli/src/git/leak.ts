import type { Finder } from '@hasp/match';
import type { Finding, Where } from '../scan/finding.ts';
import { makePlaceFinder, type PlaceFinder } from '../scan/place.ts';
import { BATCH_FORMAT, makeBatchReader } from './batch.ts';
import type { ObjectHit } from './inspect.ts';
import { type GitPlace, startGit } from './process.ts';
import { readAllObjects } from './read-objects.ts';

/** One value in one place of a repository. */
export interface Leak extends Finding {
  /** The annotated tag. */
  readonly tag?: string;
}

/** A path, or any other name, as it can be shown. */
export function shown(bytes: Buffer, finder: Finder): string {
  return finder.mask(bytes.toString('utf8'));
}

/** What people look for: the line in a file, the part of a commit. Reads those objects a second time. */
export async function describeHits(place: GitPlace, hits: readonly ObjectHit[], finder: Finder): Promise<Leak[]> {
  const read = await readAgain(place, hits);
  return hits.map((hit) => {
    const { oid, type, secret, spelling, offset, inside, path, commit } = hit;
    const about = { secret, spelling, offset, ...(commit === undefined ? {} : { commit }) };
    const name = [path?.toString('utf8'), inside].filter((part) => part !== undefined).join('!/');
    const shownPath = name === '' ? {} : { path: finder.mask(name) };
    if (type === 'tree') return { ...about, where: 'name', ...shownPath };
    if (type === 'blob') {
      const found = inside === undefined ? read.get(oid)?.places.get(offset) : undefined;
      return { ...about, where: 'content', ...shownPath, ...found, blob: oid };
    }
    const where = partOf(read.get(oid)?.head ?? Buffer.alloc(0), offset);
    return type === 'tag' ? { ...about, where, tag: oid } : { ...about, where, commit: oid };
  });
}

/** Of a commit or tag: lines of `KEY VALUE` up to an empty one, then the message. */
function partOf(head: Buffer, offset: number): Where {
  const end = head.indexOf('\n\n');
  if (end >= 0 && offset > end) return 'message';
  const line = head.toString('latin1', head.lastIndexOf('\n', offset) + 1, offset);
  const key = /^(author|committer|tagger) /.exec(`${line} `)?.[1];
  return (key as Where | undefined) ?? 'header';
}

interface ReadAgain {
  readonly places: PlaceFinder['places'];
  readonly head: Buffer;
}

const HEAD_KEPT = 1 << 20;

async function readAgain(place: GitPlace, hits: readonly ObjectHit[]): Promise<ReadonlyMap<string, ReadAgain>> {
  const wanted = new Map<string, number[]>();
  for (const { oid, type, offset, inside } of hits) {
    if (type !== 'tree' && inside === undefined) wanted.set(oid, [...(wanted.get(oid) ?? []), offset]);
  }
  const read = new Map<string, ReadAgain>();
  if (wanted.size === 0) return read;
  const git = startGit(place, ['cat-file', `--batch=${BATCH_FORMAT}`, '--buffer']);
  git.stdin.end([...wanted.keys()].map((oid) => `${oid}\n`).join(''));
  let finder: PlaceFinder | undefined;
  let head: Buffer[] = [];
  let kept = 0;
  let oid = '';
  const reader = makeBatchReader({
    begin(header) {
      oid = header.oid;
      finder = makePlaceFinder(wanted.get(oid) ?? []);
      head = [];
      kept = 0;
    },
    piece(bytes) {
      finder?.feed(bytes);
      if (kept < HEAD_KEPT) head.push(Buffer.from(bytes.subarray(0, HEAD_KEPT - kept)));
      kept += bytes.length;
    },
    end() {
      read.set(oid, { places: finder?.places ?? new Map(), head: Buffer.concat(head) });
    },
  });
  await readAllObjects(place, [git], reader);
  return read;
}
