import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Command } from './command.ts';
import { parseArgv } from './parse-argv.ts';
import { readPlainArgv } from './plain-argv.ts';
import { REDACT } from './redact-command.ts';
import { SCAN } from './scan-command.ts';

const words = fc.oneof(
  fc.constantFrom('--json', '--all', '--staged', '--history', '--stdin', '--range', 'HEAD~1..HEAD', '--', '.', '', '-'),
  fc.constantFrom('--range=A..B', '-h', '--help', '--no-all', '--all=false', '--key-file', 'help', 'a=b', '12', '-x'),
  fc.constantFrom(
    '--range.x',
    '--__proto__',
    '--constructor',
    '--toString',
    '--jsonx',
    '--a',
    'scan',
    'run',
    '0x10',
    'true',
    'false',
  ),
);

/** Where both read an argv, they read the same. */
async function compare(command: Command, argv: readonly string[]): Promise<void> {
  const plain = readPlainArgv(command, argv);
  if (plain === undefined) return;
  const { input, ...parsed } = (await parseArgv([command.usage.split(' ')[0] as string, ...argv])) as {
    kind: string;
    command: Command;
    input: object;
  };
  expect(parsed).toEqual({ kind: 'command', command });
  expect(plain).toEqual(input);
}

it.each([SCAN, REDACT])('$usage: what is read without a parser is what the parser reads', async (command) => {
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 5 }), (argv) => compare(command, argv)),
    { numRuns: 400 },
  );
});

it('needs no parser for what is mostly typed', () => {
  const typical = [
    [],
    ['.'],
    ['a', 'b c', '--json'],
    ['--staged'],
    ['--range', 'A..B', '--json'],
    ['--all', '--', '-x'],
  ];
  for (const argv of typical) expect(readPlainArgv(SCAN, argv)).toBeDefined();
  expect(readPlainArgv(REDACT, [])).toBeDefined();
});

it('takes as many paths as a command line can hold', () => {
  const paths = Array.from({ length: 200_000 }, (_, at) => `p${at}`);
  expect(readPlainArgv(SCAN, paths)?.more).toHaveLength(paths.length);
  expect(readPlainArgv(SCAN, ['--', ...paths])?.more).toHaveLength(paths.length);
});
