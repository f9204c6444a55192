import { HaspError } from '@hasp/core';
import { BATCH_FORMAT, makeBatchReader, type ObjectListener } from './batch.ts';
import type { HookScan } from './hook-scan.ts';
import { GitFailure, type GitPlace, gitOutput, startGit } from './process.ts';
import { readAllObjects } from './read-objects.ts';
import { scanObjects } from './scan-objects.ts';
import { type Selection, startSelection } from './selection.ts';

/** Every object that is reachable by name: refs, HEADs of all work trees, reflogs (and so every stash), the index. */
export function startHistoryScan(place: GitPlace): HookScan {
  const committed = startSelection(place, { with: [], without: [], withEverything: true });
  const staged = listIndex(place);
  staged.catch(() => {});
  return {
    stop: committed.stop,
    async scan(finder, progress) {
      const paths = await staged;
      const pathOf = (oid: string, path: Buffer | undefined) => path ?? paths.get(oid);
      const { leaks, counted, skipped } = await scanObjects(
        place,
        finder,
        (listener) => readBoth(place, committed, paths, listener),
        {
          rename: (hit) => [{ ...hit, path: pathOf(hit.oid, hit.path) }],
          goesOn: true,
          progress,
        },
      );
      return { leaks, counted, skipped: skipped.map((note) => ({ ...note, path: pathOf(note.oid, note.path) })) };
    },
  };
}

/** The objects of `A..B`, or of whatever else git takes for a range. @throws HaspError E_USAGE where it does not */
export function startRangeScan(place: GitPlace, range: string): HookScan {
  const selection = selectRange(place, range);
  selection.catch(() => {});
  return {
    scan: async (finder, progress) => scanObjects(place, finder, (await selection).read, { goesOn: true, progress }),
    stop: () =>
      void selection.then(
        ({ stop }) => stop(),
        () => {},
      ),
  };
}

/** By blob: a path that it has in the index. */
async function listIndex(place: GitPlace): Promise<ReadonlyMap<string, Buffer>> {
  const listed = (await gitOutput(place, ['ls-files', '--stage', '-z', '--full-name', ':/'])).toString('latin1');
  const entries = listed.split('\0').flatMap((entry) => {
    const [, mode, oid = '', path = ''] = /^([0-7]{6}) ([0-9a-f]+) [0-3]\t(.+)$/s.exec(entry) ?? [];
    return mode === undefined || mode === SUBMODULE ? [] : [[oid, Buffer.from(path, 'latin1')] as const];
  });
  return new Map(entries);
}

const SUBMODULE = '160000';

/** What is in commits, and then what only the index has. git itself would list it amid the newest commit. */
async function readBoth(
  place: GitPlace,
  committed: Selection,
  staged: ReadonlyMap<string, Buffer>,
  listener: ObjectListener,
): Promise<void> {
  const left = new Set(staged.keys());
  await committed.read({
    begin(header) {
      left.delete(header.oid);
      listener.begin(header);
    },
    piece: (bytes, isLast) => listener.piece(bytes, isLast),
    end: () => listener.end(),
  });
  if (left.size === 0) return;
  const git = startGit(place, ['cat-file', `--batch=${BATCH_FORMAT}`, '--buffer']);
  git.stdin.end([...left].map((oid) => `${oid}\n`).join(''));
  await readAllObjects(place, [git], makeBatchReader(listener));
}

async function selectRange(place: GitPlace, range: string): Promise<Selection> {
  const lines = (await namesOf(place, range)).split('\n').filter((line) => line !== '' && line !== '--');
  return startSelection(place, {
    with: lines.filter((line) => !line.startsWith('^')),
    without: lines.filter((line) => line.startsWith('^')).map((line) => line.slice(1)),
  });
}

async function namesOf(place: GitPlace, range: string): Promise<string> {
  try {
    if (!range.startsWith('-')) return (await gitOutput(place, ['rev-parse', range, '--'])).toString('latin1');
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
  }
  throw new HaspError('E_USAGE', 'git does not know this range', 'for example: --range main..HEAD');
}
