import { type Deed, word } from '../command.ts';
import { guard } from '../git/guard.ts';
import type { GuardedHook } from '../git/hook-text.ts';
import { startHook } from '../git/start-hook.ts';

const WORDS = ['FILE', 'REMOTE', 'URL'];

/** One of the three hooks, where its arguments need the whole parser; else it is hook-entry.ts. */
export const guardOf =
  (hook: GuardedHook): Deed =>
  async (input, context) => {
    const words = WORDS.map((name) => word(input, name)).filter((text) => text !== '');
    const scan = startHook(hook, words, context);
    return scan === undefined ? {} : guard(hook, scan, input, context);
  };
