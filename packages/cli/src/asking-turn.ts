import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Home, ProcessIdentity } from '@hasp/core';
import { isAlive, selfIdentity } from '@hasp/process-tree';

const TURN = 'asking';
const WAITER = /^asking\.[0-9]+$/;

/** Undefined while another live process has its turn to ask a person. Both are files of the home's `run`. */
export function takeTurn(home: Home): { end(): void } | undefined {
  return mark(home, TURN);
}

/** Lets who has the turn know that others wait for the same. */
export function waitForTurn(home: Home): { end(): void } {
  return mark(home, `${TURN}.${process.pid}`) ?? { end: () => {} };
}

/** Whether a live process waits for its turn. */
export function someoneWaits(home: Home): boolean {
  const waiters = readdirSync(home.runs).filter((name) => WAITER.test(name));
  return waiters.some((name) => {
    const file = path.join(home.runs, name);
    const isGone = isAbandoned(file);
    if (isGone) drop(file);
    return !isGone;
  });
}

/** Undefined where a live process has it. What a dead one left is taken away, for the next look. */
function mark({ runs }: Home, name: string): { end(): void } | undefined {
  const file = path.join(runs, name);
  mkdirSync(runs, { mode: 0o700, recursive: true });
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, JSON.stringify(selfIdentity()));
    closeSync(descriptor);
    return { end: () => drop(file) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (isAbandoned(file)) drop(file);
    return undefined;
  }
}

/** One that is just being written says nothing yet: whoever made it lives. */
function isAbandoned(file: string): boolean {
  try {
    return isAlive(JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity) === false;
  } catch {
    return false;
  }
}

function drop(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Gone already.
  }
}
