import { watch } from 'node:fs';
import type { GrantEndReason, Home } from '@hasp/core';
import { listRunFiles } from '../run-file.ts';

/** Left by another hasp: the run of that name is to end, and why. */
const REQUEST = /^([0-9a-f]{16})\.(revoked|rotated|session-ended|agent-revoked)$/;

type RequestedEnd = readonly [run: string, reason: GrantEndReason];

export function requestedEnds(home: Home): RequestedEnd[] {
  return listRunFiles(home)
    .map(requestIn)
    .filter((request) => request !== undefined);
}

function requestIn(name: string): RequestedEnd | undefined {
  const [, run, reason] = REQUEST.exec(name) ?? [];
  return run === undefined ? undefined : [run, reason as GrantEndReason];
}

/** Calls for each request as it is made. Where the kernel has no watch left to give, the sweep finds them later. */
export function watchRequestedEnds(home: Home, ask: (run: string, reason: GrantEndReason) => void): { close(): void } {
  try {
    const watcher = watch(home.runs, { persistent: false }, (_, name) => {
      const request = name === null ? undefined : requestIn(name);
      if (request !== undefined) ask(...request);
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return { close: () => {} };
  }
}
