import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from './glob.ts';

describe('a selector', () => {
  it.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['scan-*', 'scan-', true],
    ['scan-*', 'scan-01', true],
    ['scan-*', 'rescan-01', false],
    ['scan-*', 'Scan-01', false],
    ['scan-?', 'scan-1', true],
    ['scan-?', 'scan-', false],
    ['scan-?', 'scan-12', false],
    ['db/*', 'db/a/b', true],
    ['*_TOKEN', 'GITHUB_TOKEN', true],
    ['*_TOKEN', 'GITHUB_TOKEN_2', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
    ['[a]', '[a]', true],
    ['a\\*', 'a\\bc', true],
    ['?', '😀', true],
    ['*?x', '😀x', true],
    ['', '', true],
    ['', 'a', false],
  ])('%j against %j: %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  it('matches what the same expression of RegExp matches', () => {
    const letters = fc.constantFrom('a', 'b', '.', '*', '?', '-');
    const word = fc.array(letters, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(word, word, (pattern, text) => {
        const source = pattern.replace(/[.-]/g, '\\$&').replaceAll('*', '[^]*').replaceAll('?', '[^]');
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it('costs no more than its length times that of the text, whatever its stars', () => {
    const pattern = `${'*a'.repeat(500)}b`;
    const text = 'a'.repeat(100_000);
    const started = performance.now();
    expect(matchesGlob(pattern, text)).toBe(false);
    // A backtracking matcher would not end.
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
