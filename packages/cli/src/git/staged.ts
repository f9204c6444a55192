import { HaspError } from '@hasp/core';
import { BATCH_FORMAT, makeBatchReader, type ObjectHeader, type ObjectListener } from './batch.ts';
import { type GitPlace, type GitProcess, gitOutput, startGit } from './process.ts';
import { readAllObjects } from './read-objects.ts';

/** One path of the index that differs from the last commit. */
export interface StagedEntry {
  readonly path: Buffer;
  /** Undefined for a submodule: its commit is not in this repository. */
  readonly blob: string | undefined;
}

/** What the next commit would add to the last one, asked for and not read yet. */
export interface StagedObjects {
  readonly entries: Promise<readonly StagedEntry[]>;
  /** Each blob once. @throws HaspError E_STORAGE, E_SPAWN, and what the listener throws */
  read(listener: ObjectListener): Promise<void>;
  stop(): void;
}

const LIST = ['diff-index', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--no-textconv'];
const WHOLE = ['--no-relative', '--ignore-submodules=none', '--ita-invisible-in-index'];

/** Starts what lists and what reads, so that both are ready when the vault is. */
export function startStaged(place: GitPlace): StagedObjects {
  const reader = startGit(place, ['cat-file', `--batch=${BATCH_FORMAT}`, '--buffer']);
  const entries = listStaged(place);
  entries.catch(() => {});
  return {
    entries,
    read: async (listener) => readBlobs(place, reader, await entries, listener),
    stop: reader.stop,
  };
}

async function listStaged(place: GitPlace): Promise<readonly StagedEntry[]> {
  const against = (tree: string) => gitOutput(place, [...LIST, ...WHOLE, tree, '--']);
  try {
    return parseRawDiff(await against('HEAD'));
  } catch (error) {
    if (!(await isUnborn(place))) throw error;
    const emptyTree = await gitOutput(place, ['hash-object', '-t', 'tree', '--stdin']);
    return parseRawDiff(await against(emptyTree.toString('latin1').trim()));
  }
}

/** True only before the first commit: HEAD names a branch, and there is no such branch. */
async function isUnborn(place: GitPlace): Promise<boolean> {
  try {
    const branch = (await gitOutput(place, ['symbolic-ref', '-q', 'HEAD'])).toString('latin1').replace(/\n$/, '');
    const found = await gitOutput(place, ['for-each-ref', '--format=%(refname)', branch]);
    return !found.toString('latin1').split('\n').includes(branch);
  } catch {
    return false;
  }
}

const SUBMODULE = '160000';
const RECORD = /^:[0-7]{6} ([0-7]{6}) (?:[0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([A-Z])[0-9]*$/;
const FILE_MODES = ['100644', '100755', '100664', '120000', SUBMODULE];

/** `--raw -z`: `:MODE MODE OID OID STATUS` NUL PATH NUL. @throws HaspError E_STORAGE for what is not understood */
function parseRawDiff(output: Buffer): StagedEntry[] {
  const entries: StagedEntry[] = [];
  for (let at = 0; at < output.length; ) {
    const recordEnd = output.indexOf(0, at);
    const pathEnd = recordEnd < 0 ? -1 : output.indexOf(0, recordEnd + 1);
    if (pathEnd < 0) throw notUnderstood();
    const [, mode = '', blob = '', status = ''] = RECORD.exec(output.toString('latin1', at, recordEnd)) ?? [];
    const path = output.subarray(recordEnd + 1, pathEnd);
    at = pathEnd + 1;
    // Gone from the index, or in conflict: neither can be committed.
    if (status === 'D' || status === 'U') continue;
    const isKnown = ['A', 'M', 'T'].includes(status) && FILE_MODES.includes(mode) && !/^0+$/.test(blob);
    if (!isKnown || path.length === 0) throw notUnderstood();
    entries.push({ path, blob: mode === SUBMODULE ? undefined : blob });
  }
  return entries;
}

async function readBlobs(
  place: GitPlace,
  reader: GitProcess,
  entries: readonly StagedEntry[],
  listener: ObjectListener,
): Promise<void> {
  const blobs = [...new Set(entries.flatMap(({ blob }) => blob ?? []))];
  let read = 0;
  const checked: ObjectListener = {
    begin(header: ObjectHeader) {
      if (header.oid !== blobs[read] || header.type !== 'blob') throw notUnderstood();
      read += 1;
      listener.begin(header);
    },
    piece: (bytes, isLast) => listener.piece(bytes, isLast),
    end: () => listener.end(),
  };
  reader.stdin.end(blobs.map((blob) => `${blob}\n`).join(''));
  await readAllObjects(place, [reader], makeBatchReader(checked));
  if (read !== blobs.length) throw notUnderstood();
}

function notUnderstood(): HaspError {
  return new HaspError(
    'E_STORAGE',
    'git described the index in a way that hasp does not know, so nothing was checked',
    'look at it: git diff-index --cached --raw HEAD',
  );
}
