import type { Options as YargsOption } from 'yargs';

/** One option as the grammar declares it. */
export interface OptionGrammar {
  readonly kind: 'list' | 'words' | 'text' | 'flag' | 'number';
  readonly alias?: string;
  readonly choices?: readonly string[];
  /** A text that may be left out: the option alone is then empty text. */
  readonly mayBeEmpty?: true;
  /** Inside an agent session. */
  readonly isRefusedInSession?: true;
  /** What it does, for the help: one line, the value's name first. */
  readonly says: string;
}

export type Options = Readonly<Record<string, OptionGrammar>>;

/** Taken by every command. */
export const GLOBAL_OPTIONS: Options = {
  json: { kind: 'flag', says: 'answer, and errors, as JSON' },
  'key-file': { kind: 'text', says: 'PATH: unlock with this key file (also HASP_KEY_FILE)' },
  'passphrase-fd': { kind: 'number', says: 'N: read the passphrase from this descriptor' },
};

/** As yargs wants them; numbers are read as text, and checked by us. */
export function optionShapes(options: Options): Record<string, YargsOption> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { kind, alias, says }]) => [
      name,
      {
        describe: says,
        requiresArg: false,
        ...(kind === 'flag' ? { boolean: true } : { string: true }),
        ...(alias === undefined ? {} : { alias }),
      },
    ]),
  );
}
