import path from 'node:path';
import type { Home } from '@hasp/core';
import { isAlive } from '@hasp/process-tree';
import { listRunFiles, type RunState, readRunFile } from './run-file.ts';

/** The runs that are alive and were granted this secret. */
export function liveRunsWith(home: Home, secret: string): RunState[] {
  return listRunFiles(home)
    .map((name) => readRunFile(path.join(home.runs, name)))
    .filter((state) => state !== undefined)
    .filter((state) => state.grants.some((grant) => grant.secret === secret) && isAlive(state.wrapper) !== false);
}
