import { BATCH_FORMAT, makeBatchReader, type ObjectListener } from './batch.ts';
import { type GitPlace, startGit } from './process.ts';
import { readAllObjects } from './read-objects.ts';

/** Objects that are reachable from some names and not from others. */
export interface SelectionBounds {
  readonly with: readonly string[];
  readonly without: readonly string[];
  /** Leaves out what the refs of this remote reach. */
  readonly withoutRemote?: string | undefined;
  /** Whatever has a name: refs, HEADs, reflogs. */
  readonly withEverything?: boolean;
}

export interface Selection {
  readonly bounds: SelectionBounds;
  /** Commits oldest first, each before what it was the first to have. @throws HaspError E_STORAGE, E_SPAWN */
  read(listener: ObjectListener): Promise<void>;
  stop(): void;
}

/** One git lists and another one reads, and what is listed goes from one to the other directly. */
export function startSelection(place: GitPlace, bounds: SelectionBounds): Selection {
  const lister = startGit(place, ['rev-list', '--objects', '--in-commit-order', '--reverse', ...listed(bounds)]);
  const reader = startGit(place, ['cat-file', `--batch=${BATCH_FORMAT}`, '--buffer'], {
    input: lister,
    printsMuch: true,
  });
  lister.stdin.end([...bounds.with, ...bounds.without.map((name) => `^${name}`)].map((line) => `${line}\n`).join(''));
  return {
    bounds,
    read: (listener) => readAllObjects(place, [lister, reader], makeBatchReader(listener)),
    stop: () => {
      lister.stop();
      reader.stop();
    },
  };
}

/** What is missing is listed as such, and then stops the reading: nothing is fetched for it. */
function listed({ withoutRemote, withEverything }: SelectionBounds): string[] {
  return [
    '--missing=print',
    '--stdin',
    ...(withEverything === true ? ['--all', '--reflog'] : []),
    ...(withoutRemote === undefined ? [] : ['--not', `--remotes=${withoutRemote}`]),
  ];
}
