import type { Command, CommandInput } from './command.ts';

/**
 * What stands behind the name of a command whose usage has but `[X...]`, if it is as simple as it mostly is: flags, each text option at
 * most once and with its value behind it, words. Undefined where it needs the whole parser, which says the same of all of these.
 */
export function readPlainArgv({ usage, options = {} }: Command, argv: readonly string[]): CommandInput | undefined {
  const given: Record<string, string | boolean> = {};
  const more: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] as string;
    const next = argv[at + 1];
    if (word === '--') {
      for (const each of argv.slice(at + 1)) more.push(each);
      break;
    }
    const name = word.slice(2);
    if (!word.startsWith('-')) {
      more.push(word);
    } else if (!word.startsWith('--') || name in given) {
      return undefined;
    } else if (name === 'json' || options[name]?.kind === 'flag') {
      // The parser takes these for the flag's value.
      if (next === 'true' || next === 'false') return undefined;
      given[name] = true;
    } else {
      if (options[name]?.kind !== 'text' || !next || next.startsWith('-')) return undefined;
      given[name] = next;
      at += 1;
    }
  }
  if (more.length > 0 && !usage.endsWith('...]')) return undefined;
  return { json: given['json'] === true, words: {}, more, options: given };
}
