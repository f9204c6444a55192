import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meetsCommand, type NamedCommand, readCommand, shownCommand } from './command.ts';

const npm = { path: '/usr/bin/npm', realPath: '/usr/lib/npm/bin/npm-cli.js' };
const of = (...words: string[]): NamedCommand => ({ words, program: npm });
const allows = (selector: string, command: NamedCommand): boolean => meetsCommand(selector, 'allow', command);

describe('an allow rule', () => {
  it.each([
    ['npm test*', of('npm', 'test'), true],
    ['npm test*', of('npm', 'test', 'a b'), true],
    ["npm run 'a b'", of('npm', 'run', 'a b'), true],
    ["npm run ''", of('npm', 'run', ''), true],
    ['npm test*', of('npm test'), false],
    ['npm test*', of('npm test', 'x'), false],
    ['npm test x', of('npm', 'test x'), false],
    ['npm test?x', of('npm', 'test\tx'), false],
    ["npm 'test", of('npm', "'test"), false],
    ['npm test*', of('./npm', 'test'), false],
    ['npm test*', of('/usr/bin/npm', 'test'), false],
    ['npm-cli.js test', of('npm', 'test'), false],
  ])('with the selector %j for %j: %s', (selector, command, expected) => {
    expect(allows(selector, command)).toBe(expected);
  });

  it('for a path gives to the program that the command comes to, whatever was typed', () => {
    expect(allows('/usr/lib/npm/bin/npm-cli.js test', of('npm', 'test'))).toBe(true);
    expect(allows('/usr/lib/npm/bin/npm-cli.js test', of('./link', 'test'))).toBe(true);
    expect(allows('/usr/bin/npm test', of('/usr/bin/npm', 'test'))).toBe(false);
    expect(allows('/usr/bin/npm test', { words: ['/usr/bin/npm', 'test'] })).toBe(false);
    expect(allows('/*', { words: ['/usr/bin/npm'] })).toBe(false);
  });
});

describe.each(['deny', 'ask'] as const)('a rule with the effect %s', (effect) => {
  const meets = (selector: string, command: NamedCommand): boolean => meetsCommand(selector, effect, command);

  it.each([
    ['npm test*', of('npm', 'test')],
    ['npm test*', of('npm test')],
    ["'npm test'*", of('npm test')],
    ['npm test x', of('npm', 'test x')],
    ['npm*', of('/usr/bin/npm', 'publish')],
    ['npm*', of('./npm', 'publish')],
    ['npm*', of('/opt/link', 'publish')],
    ['npm-cli.js*', of('link', 'publish')],
    ['/usr/bin/npm*', of('npm', 'publish')],
    ['/usr/lib/npm/bin/npm-cli.js publish', of('npm', 'publish')],
  ])('and the selector %j meets %j', (selector, command) => {
    expect(meets(selector, command)).toBe(true);
  });

  it('does not meet another command', () => {
    expect(meets('curl*', of('npm', 'curl'))).toBe(false);
    expect(meets('npm', of('npm', 'test'))).toBe(false);
    expect(meets('curl*', { words: ['npm'] })).toBe(false);
  });

  it('and a path meets a program that was not found, which may be that one', () => {
    expect(meets('/usr/bin/curl*', { words: ['npm'] })).toBe(true);
  });
});

describe('a command that is shown', () => {
  it('is read as the same words again', () => {
    const word = fc.string({ unit: fc.constantFrom('a', ' ', '\n', "'", '"', '\\', '`', '$', '*', '\u00a0') });
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(readCommand(shownCommand(words))).toEqual(words);
      }),
    );
  });

  it.each([
    ['npm  test ', ['npm', 'test']],
    [String.raw`sh -c "echo \"\$X\" \n" a\ b`, ['sh', '-c', String.raw`echo "$X" \n`, 'a b']],
    [`a'b'"c"`, ['abc']],
    [' ', []],
    ["npm 'test", undefined],
    ['npm "test', undefined],
    ['npm \\', undefined],
  ])('is read as a shell would: %j', (text, words) => {
    expect(readCommand(text)).toEqual(words);
  });
});
