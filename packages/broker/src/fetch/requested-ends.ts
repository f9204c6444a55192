import { watch } from 'node:fs';
import type { Home } from '@hasp/core';
import { type RequestedEnd, requestIn } from '../revocation.ts';
import { listRunFiles } from '../run-file.ts';

/** What other hasps ask to end. */
export function requestedEnds(home: Home): RequestedEnd[] {
  return listRunFiles(home)
    .map(requestIn)
    .filter((request) => request !== undefined);
}

/** Calls for each request as it is made. Where the kernel has no watch left to give, the sweep finds them later. */
export function watchRequestedEnds(home: Home, ask: (request: RequestedEnd) => void): { close(): void } {
  try {
    const watcher = watch(home.runs, { persistent: false }, (_, name) => {
      const request = name === null ? undefined : requestIn(name);
      if (request !== undefined) ask(request);
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return { close: () => {} };
  }
}
