import { HaspError } from '@hasp/core';
import { type Answer, type CommandInput, word } from '../command.ts';
import { COMMANDS } from '../commands.ts';
import { RUN_OPTIONS } from '../run-grammar.ts';

/** Words and options of the grammar; names of secrets are not completed, since that would unlock the vault. */
export async function completion(input: CommandInput): Promise<Answer> {
  const shell = word(input, 'SHELL');
  const script = SCRIPTS[shell];
  if (script === undefined)
    throw new HaspError('E_USAGE', `no completion for ${JSON.stringify(shell)}`, 'one of bash, zsh, fish');
  return { text: script() };
}

function paths(): string[][] {
  return [['run'], ...COMMANDS.map(({ usage }) => usage.split(' ').filter((part) => /^[a-z-]+$/.test(part)))];
}

function optionsOf(path: readonly string[]): string[] {
  const found = COMMANDS.find(({ usage }) => usage === path.join(' ') || usage.startsWith(`${path.join(' ')} `));
  const own = path[0] === 'run' ? Object.keys(RUN_OPTIONS) : Object.keys(found?.options ?? {});
  return [...new Set([...own, 'help', 'json', 'key-file', 'passphrase-fd'])].map((name) => `--${name}`);
}

const firsts = () => [...new Set(paths().map(([first]) => first ?? ''))];
const seconds = (first: string) =>
  paths().flatMap(([head, second]) => (head === first && second !== undefined ? [second] : []));

function cases(row: (pattern: string, words: readonly string[]) => string): string {
  const groups = firsts().filter((first) => seconds(first).length > 0);
  return [
    ...groups.map((first) => row(first, seconds(first))),
    ...paths().map((path) => row(path.join(' '), optionsOf(path))),
  ].join('\n');
}

const bashBody = () => `_hasp() {
  local words
  case "\${COMP_WORDS[*]:1:COMP_CWORD-1}" in
    "") words="${firsts().join(' ')} --help" ;;
${cases((pattern, list) => `    ${JSON.stringify(pattern)}${seconds(pattern).length > 0 ? '' : '*'}) words="${list.join(' ')}" ;;`)}
    *) return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hasp hasp`;

const SCRIPTS: Readonly<Record<string, () => string>> = {
  bash: bashBody,
  zsh: () => `autoload -U +X bashcompinit && bashcompinit\n${bashBody()}`,
  fish: () =>
    [
      `complete -c hasp -n __fish_use_subcommand -a '${firsts().join(' ')}'`,
      ...firsts().flatMap((first) =>
        seconds(first).length === 0
          ? []
          : [`complete -c hasp -n '__fish_seen_subcommand_from ${first}' -a '${seconds(first).join(' ')}'`],
      ),
    ].join('\n'),
};
