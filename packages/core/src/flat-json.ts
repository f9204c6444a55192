import { AssignmentProblem, type Written } from './assignment.ts';
import { type JsonNode, JsonProblem, parseStrictJson } from './strict-json.ts';

const NUMBER = /[-+.0-9eE]+/y;

/**
 * The strings, numbers and booleans of a JSON object, in its order; the names of objects within objects are joined with
 * "/". Numbers and booleans are the text that stands there.
 * @throws AssignmentProblem
 */
export function parseFlatJson(text: string): Written[] {
  const top = parsed(text);
  if (top.kind !== 'object') throw new AssignmentProblem('expected an object: { "NAME": "value" }', top.at);
  const found: Written[] = [];
  collect(text, top, '', found);
  return found;
}

function parsed(text: string): JsonNode {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    // The key may be no name at all.
    throw new AssignmentProblem(error.message.replace(/^(duplicate key) .*/s, '$1'), error.at);
  }
}

function collect(text: string, node: JsonNode & { kind: 'object' }, above: string, found: Written[]): void {
  for (const [key, { keyAt, value }] of node.members) {
    const name = above + key;
    if (value.kind === 'object') collect(text, value, `${name}/`, found);
    else if (value.kind === 'array' || value.kind === 'null')
      throw new AssignmentProblem(value.kind === 'null' ? 'null' : 'an array', value.at, name);
    else found.push({ name, value: scalar(text, value), kept: [], at: keyAt });
  }
}

function scalar(text: string, node: JsonNode & { kind: 'string' | 'number' | 'boolean' }): string {
  if (node.kind === 'boolean') return String(node.value);
  if (node.kind === 'number') {
    NUMBER.lastIndex = node.at;
    return NUMBER.exec(text)?.[0] ?? '';
  }
  if (/\p{Surrogate}/u.test(node.value)) throw new AssignmentProblem('half a character, as \\uD800', node.at);
  return node.value;
}
