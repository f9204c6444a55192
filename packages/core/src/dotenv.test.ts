import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssignmentProblem } from './assignment.ts';
import { parseDotenv } from './dotenv.ts';
import { positionOf } from './strict-json.ts';

const read = (text: string) => Object.fromEntries(parseDotenv(text).map(({ name, value }) => [name, value]));

function problemOf(text: string): string {
  try {
    parseDotenv(text);
  } catch (error) {
    if (!(error instanceof AssignmentProblem)) throw error;
    const { line, column } = positionOf(text, error.at);
    return `${line}:${column} ${error.message}`;
  }
  throw new Error('expected a problem');
}

/** What the npm package dotenv, 16.6.1, 17.4.2 and 18.0.10 alike, makes of each text. */
const AS_DOTENV: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'A=1': { A: '1' },
  'A = 1': { A: '1' },
  'A=1 # c': { A: '1' },
  'A=1\t# c': { A: '1' },
  'A="1 # x" # c': { A: '1 # x' },
  'A="x"#c': { A: 'x' },
  'A="x\\ny\\tz"': { A: 'x\ny\\tz' },
  'A="x\\r\\ny"': { A: 'x\r\ny' },
  'A="x\\"y"': { A: 'x\\"y' },
  "A='x\\'y'": { A: "x\\'y" },
  "A='a\\nb'": { A: 'a\\nb' },
  'A=`a\\nb`': { A: 'a\\nb' },
  'A="a\\\\b"': { A: 'a\\\\b' },
  'A="a\\\\nb"': { A: 'a\\\nb' },
  'A="a\\$b"': { A: 'a\\$b' },
  'A=\\n': { A: '\\n' },
  'A=x\\': { A: 'x\\' },
  "A='C:\\dir\\'": { A: 'C:\\dir\\' },
  "A='C:\\dir\\'\nB='x'": { A: 'C:\\dir\\', B: 'x' },
  'A="a\nb"\nB=2': { A: 'a\nb', B: '2' },
  'A="\nx\n"': { A: '\nx\n' },
  'A="{\n \\"k\\": \\"v\\"\n}"': { A: '{\n \\"k\\": \\"v\\"\n}' },
  'A=`a"b\'`': { A: 'a"b\'' },
  'A="a\'b`"': { A: "a'b`" },
  "A='a#b'": { A: 'a#b' },
  'A=': { A: '' },
  'A= \nB=2': { A: '', B: '2' },
  'A=""': { A: '' },
  "A=''": { A: '' },
  'A= #c': { A: '' },
  'A=x y  ': { A: 'x y' },
  'A=a"b': { A: 'a"b' },
  "A=it's": { A: "it's" },
  'A==b=c': { A: '=b=c' },
  'A=$B${C}$(d)': { A: '$B${C}$(d)' },
  'A.B-C=3': { 'A.B-C': '3' },
  '  A=1': { A: '1' },
  'export A=1': { A: '1' },
  'export  A=1': { A: '1' },
  'export\tA = "1"': { A: '1' },
  'export=3': { export: '3' },
  'export =3': { export: '3' },
  'exported=3': { exported: '3' },
  '# A=1\n#\n  # c\nB=2': { B: '2' },
  '\n\n \t\nA=1\n\n': { A: '1' },
  'A=1\u00a0': { A: '1' },
  'A=é日本🔑': { A: 'é日本🔑' },
};

describe('a .env file', () => {
  it.each(Object.entries(AS_DOTENV))('%j is read as dotenv reads it', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ['A=a#b', 'a#b', 'dotenv: a'],
    ['A=#c', '#c', 'dotenv: nothing'],
    ['A=https://x/#/y # c', 'https://x/#/y', 'dotenv: https://x/'],
  ])('%j keeps a # that has no blank in front, and says so', (text, value) => {
    expect(parseDotenv(text)).toMatchObject([{ value, kept: ['hash'] }]);
  });

  it.each([
    ['FOO', '1:1 a line without ='],
    ['A=1\n  FOO\nB=x', '2:3 a line without ='],
    ['export A', '1:8 a line without ='],
    ['A: 1', '1:1 a line without ='],
    ['A=1\nB= "x\nC=2', '2:4 a quote that is not closed'],
    ["A='x", '1:3 a quote that is not closed'],
    ['A="', '1:3 a quote that is not closed'],
    ['A="x\nB="y"', '1:3 a quote that is not closed'],
    ['A="x" y', '1:6 text behind the closing quote'],
    ['A="x"y', '1:6 text behind the closing quote'],
    ['A="a""b"', '1:6 text behind the closing quote'],
    ["A='a'b # '", '1:6 text behind the closing quote'],
  ])('%j is refused: %s', (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it('tells which values are kept as written where another reader would not', () => {
    const text = ['A=${X}', 'B="$(x)"', "C='${X}'", 'D=`${X}`', 'E="a\\"b"', 'F="a\\nb"', "G='\\t'", 'H=$X', 'I="a#b"'];
    const kept = parseDotenv(text.join('\n')).flatMap(({ name, kept }) => kept.map((kind) => `${name} ${kind}`));
    expect(kept).toEqual(['A expansion', 'B expansion', 'D expansion', 'E backslash']);
  });

  it('reads in a time that grows with its length alone', () => {
    const many = 200_000;
    for (const text of [
      `A=${' '.repeat(many)}x`,
      `A="${'\\"'.repeat(many)}"`,
      `${' '.repeat(many)}A=1`,
      `A=${' #'.repeat(many)}`,
    ])
      expect(parseDotenv(text)).toHaveLength(1);
    for (const text of [`A="${'\\"x'.repeat(many)}`, ' '.repeat(many) + 'x'.repeat(many), `export ${' '.repeat(many)}`])
      expect(() => parseDotenv(text)).toThrow(AssignmentProblem);
  }, 10_000);
});

/** How a value can be written so that it reads back; undefined where it can't be in that way. */
const STYLES: readonly ((value: string) => string | undefined)[] = [
  (value) => (/[\r\n]|\s#|^\s|\s$|^["'`]/.test(value) ? undefined : value),
  (value) => (/['\r]|\\$/.test(value) ? undefined : `'${value}'`),
  (value) => (/[`\r]|\\$/.test(value) ? undefined : `\`${value}\``),
  (value) => (/"|\\[nr]|\\$/.test(value) ? undefined : `"${value.replaceAll('\r', '\\r')}"`),
  (value) => (/"|\\[nr]|\\$/.test(value) ? undefined : `"${value.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`),
];

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,12}$/);
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/\p{Surrogate}/u.test(text)),
  fc
    .array(fc.constantFrom('a', '"', "'", '`', '\\', '\n', '\r', '#', ' ', '=', '$', '{', 'n', '\t', 'é'), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
);
const space = fc.constantFrom('', ' ', '\t ');
const noise = fc.constantFrom('', '\n', '# comment\n', '  # A="\n', '\n\n');

describe('any map of names and values', () => {
  it('reads back as it was written, in each way of quoting', () => {
    let written = 0;
    const line = fc.record({
      name,
      value,
      style: fc.nat(4),
      front: fc.constantFrom('', 'export ', '  '),
      space,
      noise,
      comment: fc.constantFrom('', ' # it is', '\t#"'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(line, { selector: ({ name }) => name, maxLength: 8 }), (lines) => {
        const expected: [string, string][] = [];
        let text = '';
        for (const { name, value, style, front, space, noise, comment } of lines) {
          const spelled = STYLES[style]?.(value);
          // Behind a blank a # would be a comment.
          if (spelled === undefined || (style === 0 && spelled.startsWith('#') && space !== '')) continue;
          text += `${noise}${front}${name}${space}=${space}${spelled}${comment}\n`;
          expected.push([name, value]);
          written += 1;
        }
        expect(parseDotenv(text).map(({ name, value }) => [name, value])).toEqual(expected);
      }),
      { numRuns: 1_500 },
    );
    expect(written).toBeGreaterThan(1_500);
  });
});
