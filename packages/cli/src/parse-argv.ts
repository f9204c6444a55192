import { HaspError } from '@hasp/core';
import yargs from 'yargs';
import type { Command, CommandInput } from './command.ts';
import { COMMANDS } from './commands.ts';
import { commandHelp, overview } from './help.ts';
import type { RunInput } from './input.ts';
import { nearest } from './nearest.ts';
import { GLOBAL_OPTIONS, type Options, optionShapes } from './options.ts';
import { ATTACHED, RUN_OPTIONS, splitWords } from './run-grammar.ts';

export type Parsed =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'run'; readonly input: RunInput }
  | { readonly kind: 'command'; readonly command: Command; readonly input: CommandInput };

type Read = Record<string, unknown> & { _: (string | number)[] };

/** argv as a command and its input. @throws HaspError E_USAGE with the nearest match */
export async function parseArgv(argv: readonly string[]): Promise<Parsed> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) return parseArgv(['version']);
  const ending = argv.indexOf('--');
  const mine = ending < 0 ? argv : argv.slice(0, ending);
  const everyOption = Object.assign({}, GLOBAL_OPTIONS, ...COMMANDS.map(({ options }) => options)) as Options;
  const first = await read(mine, everyOption);
  const words = first._.map(String);
  const wantsHelp = mine.length === 0 || mine.includes('--help') || mine.includes('-h') || words[0] === 'help';
  if (wantsHelp) return { kind: 'help', text: await helpFor(words.filter((word) => word !== 'help')) };
  if (words[0] === 'run') return { kind: 'run', input: await parseRun(mine, argv.slice(mine.length + 1)) };
  // An unknown option takes the next word with it, and no command would be found.
  if (!COMMANDS.some((each) => isNamed(each, words))) refuseUnknown(first, { ...RUN_OPTIONS, ...everyOption });
  const command = findCommand(words);
  const options = { ...GLOBAL_OPTIONS, ...command.options };
  const given = await read(mine, options);
  refuseUnknown(given, options);
  return { kind: 'command', command, input: commandInput(command, given, ending < 0 ? [] : argv.slice(ending + 1)) };
}

async function read(argv: readonly string[], options: Options): Promise<Read> {
  const parser = yargs([...argv])
    .options(optionShapes(options))
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw new HaspError('E_USAGE', lowerFirst(message ?? error.message), 'see hasp --help');
    });
  return (await parser.parseAsync()) as Read;
}

function lowerFirst(text: string): string {
  return (text.charAt(0).toLowerCase() + text.slice(1)).split('\n')[0] ?? '';
}

/** The path of a usage line: its words in lower case. */
function pathOf({ usage }: Command): string[] {
  return usage.split(' ').filter((word) => /^[a-z]/.test(word));
}

function isNamed(command: Command, words: readonly string[]): boolean {
  return pathOf(command).every((word, index) => word === words[index]);
}

function findCommand(words: readonly string[]): Command {
  const found = COMMANDS.find((command) => isNamed(command, words));
  if (found !== undefined) return found;
  const group = COMMANDS.filter((command) => pathOf(command)[0] === words[0]);
  const typed = words.slice(0, group.length > 0 ? 2 : 1).join(' ');
  const paths =
    group.length > 0
      ? group.map((command) => pathOf(command).join(' '))
      : ['run', ...new Set(COMMANDS.map((command) => pathOf(command)[0] ?? ''))];
  if (group.length > 0 && words.length === 1) {
    throw new HaspError(
      'E_USAGE',
      `${typed} needs one of: ${paths.map((path) => path.split(' ')[1]).join(', ')}`,
      `see hasp ${typed} --help`,
    );
  }
  const last = typed.split(' ').at(-1) ?? '';
  const guess = paths.find(
    (path) =>
      path.split(' ').at(-1) ===
      nearest(
        last,
        paths.map((each) => each.split(' ').at(-1) ?? ''),
      ),
  );
  throw new HaspError(
    'E_USAGE',
    `no command ${JSON.stringify(typed)}`,
    guess === undefined ? 'see hasp --help' : `did you mean hasp ${guess}?`,
  );
}

function refuseUnknown(given: Read, options: Options): void {
  const known = [...Object.keys(options), ...Object.values(options).flatMap(({ alias }) => alias ?? [])];
  for (const name of Object.keys(given)) {
    if (name === '_' || name === '$0' || known.includes(name)) continue;
    const dashes = name.length === 1 ? '-' : '--';
    const guess = nearest(name, Object.keys(options));
    throw new HaspError(
      'E_USAGE',
      `no option ${dashes}${name}`,
      guess === undefined ? 'see --help' : `did you mean --${guess}?`,
    );
  }
}

function commandInput(command: Command, given: Read, behind: readonly string[]): CommandInput {
  const path = pathOf(command);
  const names = command.usage
    .split(' ')
    .slice(path.length)
    .filter((name) => name !== '--' && name !== '[options]');
  const values = [...given._.map(String).slice(path.length), ...behind];
  const required = names.filter((name) => !name.startsWith('['));
  const takesMore = names.at(-1)?.endsWith('...]') === true;
  if (takesMore) names.pop();
  if (values.length < required.length || (values.length > names.length && !takesMore)) {
    const problem =
      values.length < names.length
        ? `needs ${names.slice(values.length).join(' and ')}`
        : `takes ${names.length === 0 ? 'no argument' : `${names.length} argument${names.length > 1 ? 's' : ''}`}`;
    throw new HaspError('E_USAGE', `${path.join(' ')} ${problem}`, `usage: hasp ${command.usage}`);
  }
  const options = Object.fromEntries(
    Object.entries({ ...GLOBAL_OPTIONS, ...command.options }).flatMap(([name, { kind, choices, mayBeEmpty }]) => {
      const value = one(given, name, kind, mayBeEmpty || (path[0] === 'init' && name === 'key-file'));
      if (value !== undefined) checkChoice(name, value, choices, path.join(' '));
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  return {
    ...globals(options),
    words: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])),
    more: values.slice(names.length),
    options,
  };
}

function globals(options: Readonly<Record<string, string | boolean | number>>) {
  const keyFile = options['key-file'];
  const passphraseFd = options['passphrase-fd'];
  return {
    json: options.json === true,
    ...(typeof keyFile === 'string' ? { keyFile } : {}),
    ...(typeof passphraseFd === 'number' ? { passphraseFd } : {}),
  };
}

/** One value of an option: given twice or left empty is refused. */
function one(given: Read, name: string, kind: string, mayBeEmpty = false): string | number | boolean | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  if (kind === 'flag') return value === true || (Array.isArray(value) && value.includes(true));
  if (typeof value !== 'string') throw new HaspError('E_USAGE', `--${name} was given twice`, 'give it once');
  if (value === '' && !mayBeEmpty) throw new HaspError('E_USAGE', `--${name} needs a value`, 'see --help');
  if (kind !== 'number') return value;
  if (!/^[0-9]{1,6}$/.test(value))
    throw new HaspError('E_USAGE', `--${name} needs a number`, 'for example --passphrase-fd 3 3< file');
  return Number(value);
}

function checkChoice(name: string, value: unknown, choices: readonly string[] | undefined, command: string): void {
  if (choices === undefined || choices.includes(String(value))) return;
  throw new HaspError('E_USAGE', `--${name} is one of ${choices.join(', ')}`, `see hasp ${command} --help`);
}

async function parseRun(mine: readonly string[], command: readonly string[]): Promise<RunInput> {
  const given = await read(
    mine.flatMap((word) => (ATTACHED.test(word) ? ['-e', word.slice(2)] : [word])),
    RUN_OPTIONS,
  );
  refuseUnknown(given, RUN_OPTIONS);
  const stray = given._.map(String).slice(1);
  if (command.length === 0 || stray.length > 0) {
    const typed =
      stray.length > 0
        ? `put -- before the command: hasp run [options] -- ${stray.join(' ')}`
        : 'for example: hasp run -e DATABASE_URL=hasp://db/url -- npm test';
    throw new HaspError('E_USAGE', 'run needs a command behind --', typed);
  }
  const input: Record<string, unknown> = { command };
  for (const [name, { kind, field, choices }] of Object.entries(RUN_OPTIONS)) {
    if (kind === 'list' || kind === 'words') {
      const listed = [given[name] ?? []].flat().map(String);
      if (listed.includes('')) throw new HaspError('E_USAGE', `--${name} needs a value`, 'see hasp run --help');
      input[field] = kind === 'words' ? listed.flatMap(splitWords) : listed;
      continue;
    }
    const value = one(given, name, kind);
    if (value !== undefined) checkChoice(name, value, choices, 'run');
    if (kind === 'flag') input[field] = value === true;
    else if (value !== undefined) input[field] = value;
  }
  return input as unknown as RunInput;
}

async function helpFor(words: readonly string[]): Promise<string> {
  const group = COMMANDS.filter(
    (command) => pathOf(command).slice(0, words.length).join(' ') === words.slice(0, pathOf(command).length).join(' '),
  );
  const exact = COMMANDS.find((command) => isNamed(command, words));
  if (words.length > 0 && words[0] !== 'run' && exact === undefined && group.length === 0) findCommand(words);
  return words.length === 0
    ? overview(COMMANDS, true)
    : words[0] === 'run'
      ? commandHelp('run')
      : exact === undefined
        ? overview(group, false)
        : commandHelp(exact);
}
