import { matchesGlob } from './glob.ts';
import type { Rule } from './rule.ts';

/** A command as it is to be started. */
export interface NamedCommand {
  readonly words: readonly string[];
  /** Undefined where no program of that name was found. */
  readonly program?: Program;
}

/** Both absolute. */
export interface Program {
  /** Where it was found: in PATH, if its name has no slash. */
  readonly path: string;
  /** What that is behind all links. */
  readonly realPath: string;
}

/** The words as a shell would read them again, so that no other words look the same. */
export function shownCommand(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

/** What `shownCommand` shows, as words again; undefined where a quote is not closed. */
export function readCommand(text: string): string[] | undefined {
  const words: string[] = [];
  for (let rest = text.trimStart(); rest !== ''; ) {
    const [word] = /^(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+(?=\s|$)/s.exec(rest) ?? [];
    if (word === undefined) return undefined;
    words.push(word.replace(PART, unquoted));
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}

/**
 * Whether a rule's `commandSelector` meets the command. What a rule gives it gives to what is unambiguous: to the command
 * as typed, or, where the selector is a path, to the program that it comes to. What a rule denies, or asks a
 * person about, it meets in any form.
 */
export function meetsCommand(selector: string, effect: Rule['effect'], command: NamedCommand): boolean {
  const { words, program } = command;
  if (effect === 'allow') {
    if (!isPath(selector)) return matchesGlob(selector, shownCommand(words));
    return program !== undefined && matchesGlob(selector, shownCommand([program.realPath, ...words.slice(1)]));
  }
  // One that was not found may be the one whose path is meant.
  if (program === undefined && isPath(selector)) return true;
  return formsOf(command).some((form) => matchesGlob(selector, form));
}

function formsOf({ words: [typed = '', ...rest], program }: NamedCommand): string[] {
  const paths = program === undefined ? [typed] : [typed, program.path, program.realPath];
  const names = new Set(paths.flatMap((path) => [path, path.slice(path.lastIndexOf('/') + 1)]));
  return [...names].flatMap((name) => [shownCommand([name, ...rest]), [name, ...rest].join(' ')]);
}

function isPath(selector: string): boolean {
  return selector.startsWith('/');
}

const PART = /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs;

function unquoted(_: string, escaped?: string, single?: string, double?: string): string {
  return escaped ?? single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? '';
}

function quoted(word: string): string {
  return word !== '' && !/[\s'"`\\]/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
