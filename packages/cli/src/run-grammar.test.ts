import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArgv } from './parse-argv.ts';
import { RUN_OPTIONS, readRunArgv } from './run-grammar.ts';

const names = Object.keys(RUN_OPTIONS);
const value = fc.oneof(
  fc.constantFrom(
    'A',
    'A=hasp://a',
    'A,B',
    ',A,,',
    'kill',
    'wait',
    'auto',
    'never',
    '3',
    '007',
    '1e3',
    '5m',
    'true',
    'false',
    '',
    ' ',
    '-',
    '--',
    '-1',
    '-e',
    '--json',
    'a=b=c',
    'é',
    '\n',
  ),
  fc.string({ maxLength: 6 }),
);
const word = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...names), value).map(([name, given]) => [`--${name}`, given]) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...names), value).map(([name, given]) => [`--${name}=${given}`]) },
  { weight: 3, arbitrary: fc.constantFrom(...names).map((name) => [`--${name}`]) },
  { weight: 3, arbitrary: value.map((given) => ['-e', given]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ['--no-json'],
      ['--envs', 'A'],
      ['-j'],
      ['-eA'],
      ['-e=A'],
      ['--env.x', 'A'],
      ['--dryRun'],
      ['-h'],
      ['--help'],
      ['stray'],
    ),
  },
);
const command = fc.array(fc.oneof(value, fc.constantFrom('npm', 'test', '--', '--help', '-e')), {
  minLength: 0,
  maxLength: 4,
});
const line = fc
  .tuple(fc.array(word, { maxLength: 5 }), fc.boolean(), command)
  .map(([words, ends, behind]) => [...words.flat(), ...(ends ? ['--', ...behind] : behind)]);

/** What the whole parser makes of it: the input, or undefined where it refuses or shows help. */
async function parsed(argv: readonly string[]) {
  try {
    const result = await parseArgv(['run', ...argv]);
    return result.kind === 'run' ? result.input : undefined;
  } catch {
    return undefined;
  }
}

describe('the quick reader of run’s argv', () => {
  it('reads what it reads as the whole parser does', async () => {
    await fc.assert(
      fc.asyncProperty(line, async (argv) => {
        const quick = readRunArgv(argv);
        if (quick !== undefined) expect(quick).toEqual(await parsed(argv));
      }),
      { numRuns: 1_500 },
    );
  });

  it('leaves to the whole parser only what is not plain', async () => {
    const plain = fc.constantFrom('A=hasp://a', 'X', 'hasp://a/b@3', '5m', 'some text', 'a,b');
    const texts = names.filter(
      (name) =>
        ['text', 'list', 'words'].includes(RUN_OPTIONS[name]?.kind ?? '') && RUN_OPTIONS[name]?.choices === undefined,
    );
    const options = fc.uniqueArray(fc.tuple(fc.constantFrom(...texts), plain), {
      selector: ([name]) => name,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.array(fc.constantFrom('npm', '--', '-e', ''), { minLength: 1 }),
        async (given, behind) => {
          const argv = [...given.flatMap(([name, text]) => [`--${name}`, text]), '--', ...behind];
          const quick = readRunArgv(argv);
          expect(quick?.command).toEqual(behind);
          expect(quick).toEqual(await parsed(argv));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads each way to write a value', () => {
    const read = readRunArgv([
      '-e',
      'A',
      '--env',
      'B=hasp://b',
      '--env=C=hasp://c',
      '--only',
      'A,B',
      '--only=C',
      '--json',
      '--passphrase-fd',
      '3',
      '--',
      'npm',
      'test',
      '--',
      '-x',
    ]);
    expect(read).toMatchObject({
      env: ['A', 'B=hasp://b', 'C=hasp://c'],
      only: ['A', 'B', 'C'],
      json: true,
      passphraseFd: 3,
      command: ['npm', 'test', '--', '-x'],
    });
  });

  it.each([
    [['-e', 'A', 'npm']],
    [['--help', '--', 'npm']],
    [['--evn', 'A', '--', 'npm']],
    [['-e', '--', 'npm']],
    [['--ttl', '1s', '--ttl', '2s', '--', 'npm']],
    [['--']],
    [['--redact', 'sometimes', '--', 'npm']],
  ])('leaves %j to the whole parser', (argv) => {
    expect(readRunArgv(argv)).toBeUndefined();
  });
});
