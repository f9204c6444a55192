import type { HaspError } from '@hasp/core';
import type { Context } from './context.ts';
import type { GlobalInput } from './input.ts';
import type { Options } from './options.ts';

/** What the parser makes of argv; a deed reads the fields that its own entry declares. */
export interface CommandInput extends GlobalInput {
  readonly words: Readonly<Record<string, string>>;
  /** What stands for the last word of the usage where that is `[X...]`. */
  readonly more: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | number>>;
}

export interface Answer {
  /** One document for `--json`. */
  readonly json?: unknown;
  /** For a person, on stdout. */
  readonly text?: string;
  /** For a person, on stderr, one line each. */
  readonly notes?: readonly string[];
  /** Told last, and gives the exit status: the answer is whole, and it is bad. */
  readonly problem?: HaspError;
  /** Exit status; 0 where absent. */
  readonly status?: number;
}

export type Deed = (input: CommandInput, context: Context) => Promise<Answer>;

/** One line of the grammar: how it is typed, what it does, an example, and where its deed is. */
export interface Command {
  /** `secret set NAME`: words in lower case are typed, capitals are filled in, `[X]` may be left out, `[X...]` be many. */
  readonly usage: string;
  readonly says: string;
  readonly example: string;
  readonly options?: Options;
  /**
   * Inside an agent session: refused, unless it says otherwise here. `own`: the deed keeps to what is the session's
   * own. An option can be refused by itself.
   */
  readonly inSession?: 'allowed' | 'own';
  /** Hardens this process itself, once it has started what must not be of its tree. */
  readonly hardensItself?: true;
  readonly load: () => Promise<Deed>;
}

/** A text option, if it was given. */
export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** A word that the usage line requires. */
export function word(input: CommandInput, name: string): string {
  return input.words[name] ?? '';
}
