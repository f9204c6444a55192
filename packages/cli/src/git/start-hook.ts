import { HaspError } from '@hasp/core';
import type { Context } from '../context.ts';
import { isTerminal } from '../is-terminal.ts';
import { type HookScan, startCommitScan, startMessageScan, startPushScan } from './hook-scan.ts';
import type { GuardedHook } from './hook-text.ts';
import { readRefs } from './read-refs.ts';

/** What git gives a hook in its arguments, in order. */
export const HOOK_WORDS: Readonly<Record<GuardedHook, number>> = { 'pre-commit': 0, 'commit-msg': 1, 'pre-push': 2 };

/** Begins the look that belongs to a hook; undefined where there is nothing to look at. @throws HaspError E_USAGE */
export function startHook(hook: GuardedHook, words: readonly string[], context: Context): HookScan | undefined {
  const [first = '', second = ''] = words;
  if (hook === 'pre-commit') return startCommitScan(context);
  if (hook === 'commit-msg') return startMessageScan(context, first);
  if (isTerminal(0) || context.inherited.closedStdio.includes(0)) {
    throw new HaspError(
      'E_USAGE',
      'this hook reads from git what is to be pushed',
      'let git start it: hasp hook install',
    );
  }
  const lines = readRefs();
  return lines === '' ? undefined : startPushScan(context, lines, { remote: first, url: second });
}
