import { closeInspector, hardenSelf } from '@hasp/process-tree';
import { makeContext } from './context.ts';
import { guard } from './git/guard.ts';
import type { GuardedHook } from './git/hook-text.ts';
import { HOOK_WORDS, startHook } from './git/start-hook.ts';
import { asHaspError, printError, say } from './output.ts';

/** The quick way into a hook that git starts; false where argv needs the whole parser. */
export function hookFromArgv([name = '', ...words]: readonly string[]): boolean {
  const isPlain = words.length === HOOK_WORDS[name as GuardedHook] && !words.some((word) => word.startsWith('-'));
  if (isPlain) void runHook(name as GuardedHook, words);
  return isPlain;
}

/** git first, so that it works while the vault is opened. */
export async function runHook(hook: GuardedHook, words: readonly string[]): Promise<void> {
  try {
    const context = makeContext();
    const scan = startHook(hook, words, context);
    hardenSelf();
    await closeInspector();
    const { notes = [] } = scan === undefined ? {} : await guard(hook, scan, { json: false }, context);
    for (const note of notes) say(note);
  } catch (error) {
    const fault = asHaspError(error);
    printError(fault, false);
    process.exit(fault.exitStatus);
  }
  process.exit();
}
