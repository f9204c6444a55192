import path from 'node:path';
import type { Home } from '@hasp/core';
import { isAlive } from '@hasp/process-tree';
import { listRunFiles, type RunState, readRunFile } from './run-file.ts';

/** The runs whose wrapper lives, or may live where it can't be seen (another pid namespace), oldest first. */
export function liveRuns(home: Home): RunState[] {
  return listRunFiles(home)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readRunFile(path.join(home.runs, name)))
    .filter((state) => state !== undefined)
    .filter(({ wrapper }) => isAlive(wrapper) !== false)
    .sort((a, b) => a.startedAt - b.startedAt);
}
