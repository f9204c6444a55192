import { HaspError } from '@hasp/core';
import type { Context } from '../context.ts';
import { isTerminal } from '../is-terminal.ts';
import { type HookScan, startCommitScan, startMessageScan, startPushScan } from './hook-scan.ts';
import type { GuardedHook } from './hook-text.ts';
import { parsePushedRefs } from './pushed-refs.ts';
import { readRefs } from './read-refs.ts';

/** What git gives a hook in its arguments, in order. */
export const HOOK_WORDS: Readonly<Record<GuardedHook, number>> = { 'pre-commit': 0, 'commit-msg': 1, 'pre-push': 2 };

/** Begins the look that belongs to a hook; undefined where there is nothing to look at. @throws HaspError E_USAGE */
export function startHook(hook: GuardedHook, words: readonly string[], context: Context): HookScan | undefined {
  const [first = '', second = ''] = words;
  checkPlaces(context);
  if (hook === 'pre-commit') return startCommitScan(context);
  if (hook === 'commit-msg') return startMessageScan(context, first);
  if (isTerminal(0) || context.inherited.closedStdio.includes(0)) {
    throw new HaspError(
      'E_USAGE',
      'this hook reads from git what is to be pushed',
      'let git start it: hasp hook install',
    );
  }
  const refs = parsePushedRefs(readRefs());
  // Nothing to push, or only refs to be removed: nothing is sent.
  const sendsNothing = refs.every(({ newOid }) => newOid === undefined);
  return sendsNothing ? undefined : startPushScan(context, refs, { remote: first, url: second });
}

/** Where Node has altered a name, git would look into another index, find it empty, and call it clean. */
function checkPlaces({ inherited, environment }: Context): void {
  if (!inherited.invalidUtf8) return;
  const altered = [...environment].find(([name, value]) => name.startsWith('GIT_') && value.includes('\ufffd'));
  if (altered === undefined) return;
  throw new HaspError(
    'E_USAGE',
    `${altered[0]} is not valid UTF-8, so nothing was checked`,
    'rename the folder that it names',
  );
}
