import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Link, RemoteBroker } from '@hasp/broker/remote';
import type { ProcessIdentity } from '@hasp/core';
import { isAlive, selfIdentity } from '@hasp/process-tree';
import { startOrJoinBroker } from './broker-process.ts';
import type { Context } from './context.ts';
import { endRunAlone } from './end-run-alone.ts';
import type { GlobalInput } from './input.ts';
import { say } from './output.ts';
import type { RunBroker } from './run.ts';
import { obtainWrappingKey } from './unlock.ts';

/** For so long after its last use a broker keeps a key that was typed for a run. */
const KEPT_MS = 10_000;
const LOOK_MS = 25;

/**
 * One prompt for all runs that wait for the same vault: the first asks, and leaves the key with a broker for a
 * moment, which serves the others too.
 */
export async function askOnce(input: GlobalInput, context: Context): Promise<RunBroker> {
  for (let isTold = false; ; ) {
    const broker = await openBroker(context);
    if (broker !== undefined) return broker;
    const turn = takeTurn(context);
    if (turn !== undefined) {
      try {
        // Another may have had its turn between the two.
        const opened = await openBroker(context);
        if (opened !== undefined) return opened;
        const wrapping = await obtainWrappingKey(input, context);
        await startOrJoinBroker(context, wrapping, { idleMs: KEPT_MS, endsWhenLocked: true });
      } finally {
        turn.end();
      }
      continue;
    }
    if (!isTold) say('waiting for the passphrase, for which another hasp asks');
    isTold = true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** One that is unlocked. */
async function openBroker(context: Context): Promise<RunBroker | undefined> {
  const opened = await Link.open(context.home.brokerSocket);
  if (opened?.isUnlocked) {
    return new RemoteBroker(opened.link, async (run, outcome) => endRunAlone(context, run, outcome), say);
  }
  opened?.link.close();
  return undefined;
}

/** Undefined while another live process has its turn. A file that a dead one left counts for nothing. */
function takeTurn({ home }: Context): { end(): void } | undefined {
  const file = path.join(home.runs, 'asking');
  mkdirSync(home.runs, { mode: 0o700, recursive: true });
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
