import { type Assignment, AssignmentProblem, type Written } from './assignment.ts';
import { parseDotenv } from './dotenv.ts';
import { HaspError } from './errors.ts';
import { parseFlatJson } from './flat-json.ts';
import { isName, parseName } from './reference.ts';
import { positionOf } from './strict-json.ts';

export type AssignmentFormat = 'env' | 'json';

export const ASSIGNMENT_FORMATS: readonly AssignmentFormat[] = ['env', 'json'];

const READERS = { env: parseDotenv, json: parseFlatJson } as const;
const HINTS = {
  env: 'each line is NAME=value, a comment or empty; nothing was imported',
  json: 'names with strings, numbers, true or false, or objects of such; nothing was imported',
} as const;

export interface AssignmentFile {
  /** How it is called in messages. */
  readonly file: string;
  readonly format: AssignmentFormat;
  /** What stands in front of each name. */
  readonly prefix?: string;
  /** Of a value in UTF-8. */
  readonly maxBytes: number;
  readonly maxCount: number;
}

/**
 * Every name once, in the order of the file. Of a name that a .env file gives more than once the last value counts, as for whoever
 * loads such files; in JSON, where two ways of nesting can make one name, only the same value is taken.
 * @throws HaspError E_USAGE or E_NAME_INVALID with `file:line:column`; no value is repeated, and no name that is none
 */
export function readAssignments(source: string, options: AssignmentFile): Assignment[] {
  const text = source.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  try {
    return distinct(text, READERS[options.format](text), options);
  } catch (error) {
    if (!(error instanceof AssignmentProblem)) throw error;
    const subject = error.called !== undefined && isName(error.called) ? `${error.called} is ` : '';
    const message = `${placeIn(text, error.at, options)}: ${subject}${error.message}`;
    throw new HaspError('E_USAGE', message, HINTS[options.format]);
  }
}

function distinct(text: string, written: readonly Written[], options: AssignmentFile): Assignment[] {
  const found = new Map<string, Written>();
  const join = joiner(options.prefix);
  for (const one of written) {
    const name = checkedName(join(one.name), () => placeIn(text, one.at, options));
    const earlier = found.get(name);
    const isOther = earlier !== undefined && earlier.value !== one.value;
    if (isOther && options.format === 'json') {
      const { line } = positionOf(text, earlier.at);
      throw new HaspError(
        'E_USAGE',
        `${placeIn(text, one.at, options)}: ${name} has another value on line ${line}`,
        'leave one of the two out; nothing was imported',
      );
    }
    if (earlier !== undefined && !isOther) continue;
    if (new TextEncoder().encode(one.value).length > options.maxBytes)
      throw new AssignmentProblem(`longer than ${options.maxBytes} bytes`, one.at, name);
    if (found.size === options.maxCount && !isOther)
      throw new AssignmentProblem(`more than ${options.maxCount} names`, one.at);
    found.set(name, { ...one, name, kept: isOther ? [...one.kept, 'repeated'] : one.kept });
  }
  return [...found.values()].map(({ name, value, kept }) => ({ name, value, kept }));
}

/** `P/NAME`, or `PNAME` where P ends with what joins. @throws HaspError E_NAME_INVALID */
function joiner(prefix: string | undefined): (name: string) => string {
  if (prefix === undefined) return (name) => name;
  const front = /[/_.-]$/.test(prefix) ? prefix : `${prefix}/`;
  if (!isName(`${front}x`)) {
    throw new HaspError(
      'E_NAME_INVALID',
      '--prefix is no beginning of a secret name',
      'for example: --prefix web/prod',
    );
  }
  return (name) => front + name;
}

function checkedName(name: string, place: () => string): string {
  try {
    return parseName(name);
  } catch (error) {
    if (!(error instanceof HaspError)) throw error;
    throw new HaspError(error.code, `${place()}: ${error.message}`, error.hint);
  }
}

function placeIn(text: string, at: number, { file }: AssignmentFile): string {
  const { line, column } = positionOf(text, at);
  return `${file}:${line}:${column}`;
}
