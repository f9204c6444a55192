import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('a duration', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['8h', 28_800_000],
    ['1d', 86_400_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-1s', '1 s', '1S', '1e3s', '٣s', '1w', '9999999999999s'])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(/not a duration/);
  });

  it('is written exactly where one unit divides it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 599 }), fc.constantFrom('s', 'm', 'h', 'd'), (count, unit) => {
        const ms = parseDuration(`${count}${unit}`);
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it.each([
    [17, '17ms'],
    [1_234, '1.2s'],
    [61_500, '1m 1s'],
    [86_399_000, '23h 59m'],
    [90_061_000, '1d 1h'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
