import type { RunInput } from './input.ts';
import type { OptionGrammar } from './options.ts';

interface RunOption extends OptionGrammar {
  readonly field: keyof RunInput;
}

/** The options of `hasp run`: yargs prints and reads them, and so does the quick reader below. */
export const RUN_OPTIONS: Readonly<Record<string, RunOption>> = {
  env: {
    kind: 'list',
    field: 'env',
    alias: 'e',
    says: 'VAR[=REF]: deliver into the environment; VAR alone means hasp://VAR',
  },
  file: { kind: 'list', field: 'file', says: 'VAR[=REF]: deliver as a 0600 file; VAR holds its path' },
  stdin: { kind: 'text', field: 'stdin', says: "REF: deliver on the command's standard input" },
  ask: {
    kind: 'words',
    field: 'ask',
    says: 'NAME[,NAME]: deliver nothing; processes of the tree may fetch it with hasp get',
  },
  scope: {
    kind: 'text',
    field: 'scope',
    choices: ['tree', 'root'],
    says: 'who may fetch with --ask: the whole tree (default), or the command itself only',
  },
  target: { kind: 'text', field: 'target', says: "use the manifest's target of this name" },
  only: { kind: 'words', field: 'only', says: 'A,B: of the manifest, grant these variables only' },
  except: { kind: 'words', field: 'except', says: 'A,B: of the manifest, grant all but these variables' },
  ttl: { kind: 'text', field: 'ttl', says: 'end the grants after this long (90s, 15m, 8h; at most 24h)' },
  stragglers: {
    kind: 'text',
    field: 'stragglers',
    choices: ['kill', 'wait', 'leave'],
    says: 'what happens to processes that outlive the command (default kill)',
  },
  grace: { kind: 'text', field: 'grace', says: 'time between TERM and KILL (default 2s)' },
  redact: {
    kind: 'text',
    field: 'redact',
    choices: ['auto', 'always', 'never'],
    says: 'mask granted values in the output; auto: where it is not a terminal',
  },
  pristine: { kind: 'flag', field: 'pristine', says: 'start from PATH HOME USER SHELL TERM LANG LC_* TZ TMPDIR only' },
  override: { kind: 'flag', field: 'override', says: 'let a granted variable replace one that is already set' },
  reason: { kind: 'text', field: 'reason', says: 'text that is recorded with each grant' },
  'dry-run': { kind: 'flag', field: 'dryRun', says: 'say what would be granted; deliver nothing' },
  json: { kind: 'flag', field: 'json', says: 'errors, and --dry-run, as JSON' },
  'key-file': { kind: 'text', field: 'keyFile', says: 'unlock with this key file' },
  'passphrase-fd': { kind: 'number', field: 'passphraseFd', says: 'read the passphrase from this descriptor' },
};

/** `-eVAR=REF`: the short form with its value attached. */
export const ATTACHED = /^-e[^-]/;

/** `A,B` → A and B. */
export function splitWords(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}

/**
 * Reads argv after `run` without loading a parser library. Only the plain forms are understood;
 * anything else (help, a typo, a missing `--`) gives undefined, and yargs words the answer.
 */
export function readRunArgv(argv: readonly string[]): RunInput | undefined {
  const end = argv.indexOf('--');
  if (end < 0 || end === argv.length - 1) return undefined;
  const read: Record<string, unknown> = { env: [], file: [], ask: [], only: [], except: [], ...FLAGS };
  for (let index = 0; index < end; index += 1) {
    const word = argv[index] ?? '';
    const [name, inline] = optionName(word);
    const option = name === undefined ? undefined : RUN_OPTIONS[name];
    if (option === undefined) return undefined;
    if (option.kind === 'flag') {
      if (inline !== undefined) return undefined;
      read[option.field] = true;
      continue;
    }
    const value = inline ?? argv[++index];
    if (value === undefined || index >= end || !isPlain(option, value, inline)) return undefined;
    if (!store(read, option, value)) return undefined;
  }
  return { ...(read as unknown as RunInput), command: argv.slice(end + 1) };
}

const FLAGS = { pristine: false, override: false, dryRun: false, json: false };

/** `--name`, `--name=value`, `-e`, `-eVAR` is left to yargs. */
function optionName(word: string): [name?: string, inline?: string] {
  if (word === '-e') return ['env'];
  if (ATTACHED.test(word)) return ['env', word.slice(2)];
  const match = /^--([a-z][a-z-]*)(?:=(.*))?$/s.exec(word);
  if (!match) return [];
  return match[2] === undefined ? [match[1] ?? ''] : [match[1] ?? '', match[2]];
}

function isPlain(option: RunOption, value: string, inline: string | undefined): boolean {
  if (inline === undefined && value.startsWith('-')) return false;
  if (option.choices !== undefined && !option.choices.includes(value)) return false;
  return value !== '';
}

function store(read: Record<string, unknown>, option: RunOption, value: string): boolean {
  const before = read[option.field];
  if (Array.isArray(before)) {
    before.push(...(option.kind === 'words' ? splitWords(value) : [value]));
    return true;
  }
  if (before !== undefined) return false;
  if (option.kind === 'number' && !/^[0-9]{1,6}$/.test(value)) return false;
  read[option.field] = option.kind === 'number' ? Number(value) : value;
  return true;
}
