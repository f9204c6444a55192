import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonNode, JsonProblem, parseStrictJson, positionOf } from './strict-json.ts';

function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries([...node.members].map(([key, member]) => [key, plain(member.value)]));
    case 'array':
      return node.items.map(plain);
    case 'null':
      return null;
    default:
      return node.value;
  }
}

describe('the strict JSON reader', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('accepts no text that JSON.parse refuses, and refuses only duplicates and depth beyond it', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-0',
      '01',
      '1e5',
      'true',
      'nul',
      'null',
      ' ',
      '\n',
      '"\\u12"',
      '"\t"',
      '\u00a0',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 9 }), (parts) => {
        const text = parts.join('');
        const node = attempt(() => parseStrictJson(text));
        const value = attempt(() => JSON.parse(text) as unknown);
        if (value === undefined) expect(node).toBeUndefined();
        else if (node !== undefined) expect(plain(node)).toEqual(value);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses a duplicate key at any depth, written with escapes or not, and says where', () => {
    const text = '{\n  "a": [{ "k": 1, "\\u006b": 2 }]\n}';
    const problem = problemOf(text);
    expect(problem.message).toBe('duplicate key "k"');
    expect(positionOf(text, problem.at)).toEqual({ line: 2, column: 19 });
  });

  it('refuses what is nested too deeply instead of running out of stack', () => {
    expect(() => parseStrictJson('['.repeat(100_000))).toThrow(/nested too deeply/);
  });

  it('never repeats a string value in a problem', () => {
    for (const text of ['{"a":"canary-value" "b":1}', '{"a":"canary-value', '["canary-value",]', '"canary-value"x']) {
      const problem = problemOf(text);
      expect(problem.message).not.toContain('canary');
    }
  });
});

function attempt<T>(deed: () => T): T | undefined {
  try {
    return deed();
  } catch {
    return undefined;
  }
}

function problemOf(text: string): JsonProblem {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof JsonProblem) return error;
  }
  throw new Error('expected a problem');
}
