import { parseDuration } from './duration.ts';
import { type ErrorCode, HaspError } from './errors.ts';
import { type JsonMember, type JsonNode, JsonProblem, parseStrictJson, positionOf } from './strict-json.ts';

// Readers of the files that people write. Each throws JsonProblem with the place of what is wrong.

/**
 * A whole file.
 * @param file how it is called in messages
 * @throws HaspError with that code and `file:line:column`; no value of the file is repeated
 */
export function readFileText<T>(
  text: string,
  { file, code, hint }: { readonly file: string; readonly code: ErrorCode; readonly hint: string },
  read: (node: JsonNode) => T,
): T {
  try {
    return read(parseStrictJson(text));
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    const { line, column } = positionOf(text, error.at);
    throw new HaspError(code, `${file}:${line}:${column}: ${error.message}`, hint);
  }
}

export function duration(node: JsonNode): number {
  try {
    return parseDuration(string(node));
  } catch (error) {
    if (error instanceof HaspError) throw new JsonProblem('expected a duration such as 90s', node.at);
    throw error;
  }
}

export type Fields = (key: string) => JsonNode | undefined;

/** The members of an object that may have only these keys. */
export function fields(node: JsonNode, known: readonly string[]): Fields {
  const members = objectMembers(node);
  for (const [key, member] of members) {
    if (!known.includes(key)) throw unknownKey(key, known, member.keyAt);
  }
  return (key) => members.get(key)?.value;
}

function unknownKey(key: string, known: readonly string[], at: number): JsonProblem {
  return new JsonProblem(`unknown key ${JSON.stringify(key.slice(0, 64))} (known here: ${known.join(', ')})`, at);
}

export function objectMembers(node: JsonNode): ReadonlyMap<string, JsonMember> {
  if (node.kind !== 'object') throw new JsonProblem('expected an object', node.at);
  return node.members;
}

export function list<T>(node: JsonNode, read: (item: JsonNode) => T): T[] {
  if (node.kind !== 'array') throw new JsonProblem('expected an array', node.at);
  return node.items.map(read);
}

export function string(node: JsonNode): string {
  if (node.kind !== 'string') throw new JsonProblem('expected a string', node.at);
  return node.value;
}

export function boolean(node: JsonNode): boolean {
  if (node.kind !== 'boolean') throw new JsonProblem('expected true or false', node.at);
  return node.value;
}

export function oneOf<const T extends string>(...words: readonly T[]): (node: JsonNode) => T {
  return (node) => {
    const word = node.kind === 'string' ? words.find((candidate) => candidate === node.value) : undefined;
    if (word === undefined) throw new JsonProblem(`expected ${words.join(' or ')}`, node.at);
    return word;
  };
}

export function optional<T>(node: JsonNode | undefined, read: (node: JsonNode) => T): T | undefined {
  return node === undefined ? undefined : read(node);
}

/** `{}` for an absent value: exactOptionalPropertyTypes tells absent from undefined. */
export function present<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}
