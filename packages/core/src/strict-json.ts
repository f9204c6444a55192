/** Where something stands in a text; both count from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** `at` is the node's offset in the text (UTF-16 units); `positionOf` makes a line and a column of it. */
export type JsonNode = { readonly at: number } & (
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonMember> }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
);

export interface JsonMember {
  readonly keyAt: number;
  readonly value: JsonNode;
}

/** A text that is not JSON, or JSON with a duplicate key. The message never repeats a value. */
export class JsonProblem extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

const MAX_DEPTH = 64;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// RFC 8259 section 7: control characters must be escaped.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

/**
 * JSON as RFC 8259 has it, with the place of every node, and a duplicate key refused: two readers
 * of one file must not see two meanings.
 * @throws JsonProblem
 */
export function parseStrictJson(text: string): JsonNode {
  const reader = new Reader(text);
  const node = reader.value(0);
  reader.end();
  return node;
}

class Reader {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    this.#take(SPACE);
    const at = this.#offset;
    if (depth > MAX_DEPTH) throw new JsonProblem('nested too deeply', at);
    switch (this.#text[this.#offset]) {
      case '{':
        return { at, kind: 'object', members: this.#members(depth) };
      case '[':
        return { at, kind: 'array', items: this.#items(depth) };
      case '"':
        return { at, kind: 'string', value: this.#string() };
      default:
        return this.#scalar(at);
    }
  }

  end(): void {
    this.#take(SPACE);
    if (this.#offset < this.#text.length) throw new JsonProblem('text after the end of the document', this.#offset);
  }

  #members(depth: number): Map<string, JsonMember> {
    const members = new Map<string, JsonMember>();
    this.#list('}', () => {
      const keyAt = this.#offset;
      const key = this.#string();
      if (members.has(key)) throw new JsonProblem(`duplicate key ${JSON.stringify(key)}`, keyAt);
      this.#take(SPACE);
      this.#expect(':');
      members.set(key, { keyAt, value: this.value(depth + 1) });
    });
    return members;
  }

  #items(depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    this.#list(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  /** An opening bracket, elements with commas between, the closing one. */
  #list(close: string, element: () => void): void {
    this.#offset += 1;
    this.#take(SPACE);
    if (this.#text[this.#offset] === close) {
      this.#offset += 1;
      return;
    }
    for (;;) {
      this.#take(SPACE);
      element();
      this.#take(SPACE);
      if (this.#text[this.#offset] !== ',') break;
      this.#offset += 1;
    }
    this.#expect(close);
  }

  #string(): string {
    const at = this.#offset;
    const raw = this.#take(STRING);
    if (raw === undefined) throw new JsonProblem('expected a string in double quotes', at);
    return JSON.parse(raw) as string;
  }

  #scalar(at: number): JsonNode {
    const word = this.#take(WORD);
    if (word === 'null') return { at, kind: 'null' };
    if (word !== undefined) return { at, kind: 'boolean', value: word === 'true' };
    const number = this.#take(NUMBER);
    if (number !== undefined) return { at, kind: 'number', value: Number(number) };
    throw new JsonProblem(this.#offset < this.#text.length ? 'expected a value' : 'unexpected end of text', at);
  }

  #expect(character: string): void {
    if (this.#text[this.#offset] !== character)
      throw new JsonProblem(`expected ${JSON.stringify(character)}`, this.#offset);
    this.#offset += 1;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text);
    if (!match) return undefined;
    this.#offset = pattern.lastIndex;
    return match[0];
  }
}
