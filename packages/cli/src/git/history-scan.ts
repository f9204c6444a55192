import { HaspError } from '@hasp/core';
import type { HookScan } from './hook-scan.ts';
import { GitFailure, type GitPlace, gitOutput } from './process.ts';
import { scanObjects } from './scan-objects.ts';
import { type Selection, startSelection } from './selection.ts';

/** Every object that is reachable by name: refs, HEADs of all work trees, the index, reflogs (and so every stash). */
export function startHistoryScan(place: GitPlace): HookScan {
  return scanOf(place, Promise.resolve(startSelection(place, { with: [], without: [], withEverything: true })));
}

/** The objects of `A..B`, or of whatever else git takes for a range. @throws HaspError E_USAGE where it does not */
export function startRangeScan(place: GitPlace, range: string): HookScan {
  return scanOf(place, selectRange(place, range));
}

function scanOf(place: GitPlace, selection: Promise<Selection>): HookScan {
  selection.catch(() => {});
  return {
    scan: async (matcher) => scanObjects(place, matcher, (await selection).read),
    stop: () =>
      void selection.then(
        ({ stop }) => stop(),
        () => {},
      ),
  };
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
