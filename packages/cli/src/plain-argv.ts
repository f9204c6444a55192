import type { Command, CommandInput } from './command.ts';

/**
 * What stands behind the name of a command whose usage has but `[X...]`, if it is as simple as it mostly is: flags, each text option at
 * most once and with its value behind it, words. Undefined where it needs the whole parser, which says the same of all of these.
 */
export function readPlainArgv({ usage, options = {} }: Command, argv: readonly string[]): CommandInput | undefined {
  const given: Record<string, string | boolean> = {};
  const more: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      more.push(...rest);
      break;
    }
    const name = word.slice(2);
    if (!word.startsWith('-')) {
      more.push(word);
    } else if (!word.startsWith('--') || name in given) {
      return undefined;
    } else if (name === 'json' || options[name]?.kind === 'flag') {
      // The parser takes these for the flag's value.
      if (rest[0] === 'true' || rest[0] === 'false') return undefined;
      given[name] = true;
    } else {
      const value = rest.shift();
      if (options[name]?.kind !== 'text' || !value || value.startsWith('-')) return undefined;
      given[name] = value;
    }
  }
  if (more.length > 0 && !usage.endsWith('...]')) return undefined;
  return { json: given['json'] === true, words: {}, more, options: given };
}
