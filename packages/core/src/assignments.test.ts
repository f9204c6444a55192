import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssignmentFile, readAssignments } from './assignments.ts';
import { HaspError } from './errors.ts';

const ENV: AssignmentFile = { file: '.env', format: 'env', maxBytes: 100, maxCount: 5 };
const JSON_FILE: AssignmentFile = { file: 'x.json', format: 'json', maxBytes: 1_000, maxCount: 1_000 };
const read = (text: string, options: AssignmentFile) =>
  readAssignments(text, options).map(({ name, value }) => [name, value]);

function refusal(text: string, options: AssignmentFile): string {
  try {
    readAssignments(text, options);
  } catch (error) {
    if (!(error instanceof HaspError)) throw error;
    expect(`${error.message} ${error.hint}`).not.toContain('canary');
    return `${error.code} ${error.message}`;
  }
  throw new Error('expected a refusal');
}

describe('a file of assignments', () => {
  it('may begin with a byte order mark, and end its lines as any system does', () => {
    expect(read('\ufeffA=1\r\nB="x\r\ny"\rC=3', ENV)).toEqual([
      ['A', '1'],
      ['B', 'x\ny'],
      ['C', '3'],
    ]);
    expect(read('\ufeff{\r\n"A":"1\\r\\n"}', JSON_FILE)).toEqual([['A', '1\r\n']]);
  });

  it('has a name once: in .env the last value counts and is marked, in JSON another one is refused with both lines', () => {
    expect(read('A=1\nB=2\nA="1"', ENV)).toEqual([
      ['A', '1'],
      ['B', '2'],
    ]);
    expect(readAssignments('A=1\n\nB=2\n  A=last', ENV)).toEqual([
      { name: 'A', value: 'last', kept: ['repeated'] },
      { name: 'B', value: '2', kept: [] },
    ]);
    expect(refusal('{"a":{"b":1},\n"a/b":2}', JSON_FILE)).toBe('E_USAGE x.json:2:1: a/b has another value on line 1');
  });

  it('with a name that is none is refused whole, and the name is not repeated', () => {
    for (const name of ['1canary', 'can ary canary', 'canary/', '', 'é', 'x'.repeat(256)])
      expect(refusal(`A=1\n${name}=2`, ENV)).toBe('E_NAME_INVALID .env:2:1: not a valid secret name');
    expect(refusal('{"A":"1",\n "":2}', JSON_FILE)).toBe('E_NAME_INVALID x.json:2:2: not a valid secret name');
    expect(read('db/url=x', ENV)).toEqual([['db/url', 'x']]);
  });

  it('takes a prefix, joined with / unless it ends with what joins', () => {
    for (const [prefix, name] of [
      ['web', 'web/A'],
      ['web/prod/', 'web/prod/A'],
      ['WEB_', 'WEB_A'],
      ['web.', 'web.A'],
      ['web-', 'web-A'],
    ] as const)
      expect(read('A=1', { ...ENV, prefix })).toEqual([[name, '1']]);
    expect(read('1A=1', { ...ENV, prefix: 'V_' })).toEqual([['V_1A', '1']]);
    for (const prefix of ['', '/', '1', 'a//', 'a b', 'a='])
      expect(refusal('A=1', { ...ENV, prefix })).toBe('E_NAME_INVALID --prefix is no beginning of a secret name');
  });

  it('with a value or a number of names beyond the limit is refused', () => {
    expect(read(`A=${'é'.repeat(50)}`, ENV)).toHaveLength(1);
    expect(refusal(`A=1\nB=${'é'.repeat(51)}`, ENV)).toBe('E_USAGE .env:2:1: B is longer than 100 bytes');
    expect(refusal('A=\nB=\nC=\nD=\nE=\nF=', ENV)).toBe('E_USAGE .env:6:1: more than 5 names');
  });

  it('never has a value in what is said of it', () => {
    for (const text of ['canary', 'A="canary', "A='canary'canary", 'A=1\nexport canary']) refusal(text, ENV);
    for (const text of [
      'canary',
      '{"A":"canary" "B"',
      '{"A":"canary"',
      '["canary"]',
      '{"A":["canary"]}',
      '{"x canary":null}',
    ])
      refusal(text, JSON_FILE);
    refusal('{"canary":1,"canary":2}', JSON_FILE);
  });
});

describe('JSON', () => {
  it('gives strings as they are, numbers and booleans as their text, objects as parts of the name', () => {
    const text =
      '{"s":"é\\n","n":1.50,"e":-1E+3,"t":true,"f":false,"o":{"p":{"q":""}},"__proto__":"x","big":12345678901234567890}';
    expect(read(text, JSON_FILE)).toEqual([
      ['s', 'é\n'],
      ['n', '1.50'],
      ['e', '-1E+3'],
      ['t', 'true'],
      ['f', 'false'],
      ['o/p/q', ''],
      ['__proto__', 'x'],
      ['big', '12345678901234567890'],
    ]);
  });

  it.each([
    ['{"db":{"hosts":\n ["a"]}}', 'E_USAGE x.json:2:2: db/hosts is an array'],
    ['{"db":{"url":null}}', 'E_USAGE x.json:1:14: db/url is null'],
    ['{"a":1,\n"a":1}', 'E_USAGE x.json:2:1: duplicate key'],
    ['[]', 'E_USAGE x.json:1:1: expected an object: { "NAME": "value" }'],
    ['{"a":"\\ud800"}', 'E_USAGE x.json:1:6: half a character, as \\uD800'],
    ['{"a":1}x', 'E_USAGE x.json:1:8: text after the end of the document'],
    ['{"a":1,}', 'E_USAGE x.json:1:8: expected a string in double quotes'],
  ])('%j is refused: %s', (text, message) => {
    expect(refusal(text, JSON_FILE)).toBe(message);
  });

  it('reads back any map of names and values, however it is split into objects', () => {
    const part = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,3}$/);
    const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const value = fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text));
    const entry = fc.record({ name, value, cuts: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }) });
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ({ name }) => name }),
        fc.constantFrom(undefined, 2, '\t'),
        (entries, indent) => {
          const tree = Object.create(null) as Tree;
          const names = new Set(entries.map(({ name }) => name));
          for (const { name, value, cuts } of entries) plant(tree, keysOf(name, cuts, names), value);
          const found = new Map(read(JSON.stringify(tree, undefined, indent), JSON_FILE) as [string, string][]);
          expect(found).toEqual(new Map(entries.map(({ name, value }) => [name, value])));
        },
      ),
    );
  });
});

interface Tree {
  [key: string]: string | Tree;
}

/** An object for each part in `parts` but the last, which gets the value. */
function plant(tree: Tree, parts: readonly string[], value: string): void {
  const [head = '', ...rest] = parts;
  if (rest.length === 0) tree[head] = value;
  else {
    tree[head] ??= Object.create(null) as Tree;
    plant(tree[head] as Tree, rest, value);
  }
}

/** The name cut into keys where `cuts` says so, but not where what is in front is a name itself. */
function keysOf(name: string, cuts: readonly boolean[], names: ReadonlySet<string>): string[] {
  const parts = name.split('/');
  const isCut = (index: number) => cuts[index] === true && !names.has(parts.slice(0, index).join('/'));
  const joined = parts.map((part, index) => (index === 0 ? '' : isCut(index) ? '\0' : '/') + part);
  return joined.join('').split('\0');
}
