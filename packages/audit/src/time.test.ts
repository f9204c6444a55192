import { HaspError } from '@hasp/core';
import { describe, expect, it } from 'vitest';
import { parseTime } from './time.ts';

/** Saturday, local time. */
const NOW = new Date(2026, 10, 21, 16, 30, 15, 500).getTime();
const at = (...parts: [number, number, number, number?, number?, number?, number?]): number =>
  new Date(...parts).getTime();

describe('a moment', () => {
  it.each([
    ['14:00', at(2026, 10, 21, 14)],
    ['9:05', at(2026, 10, 21, 9, 5)],
    ['00:00:07', at(2026, 10, 21, 0, 0, 7)],
    ['23:59', at(2026, 10, 21, 23, 59)],
    ['now', NOW],
    ['today', at(2026, 10, 21)],
    ['yesterday', at(2026, 10, 20)],
    ['2026-11-20', at(2026, 10, 20)],
    ['2026-11-20 14:00', at(2026, 10, 20, 14)],
    ['2026-11-20T14:00:30', at(2026, 10, 20, 14, 0, 30)],
    ['2024-02-29', at(2024, 1, 29)],
    [' 14:00 ', at(2026, 10, 21, 14)],
  ])('%s is local time', (text, expected) => {
    expect(parseTime(text, NOW)).toBe(expected);
  });

  it.each([
    ['2026-11-20T14:00:00Z', Date.UTC(2026, 10, 20, 14)],
    ['2026-11-20T14:00:00.123Z', Date.UTC(2026, 10, 20, 14, 0, 0, 123)],
    ['2026-11-20t14:00:00.123456z', Date.UTC(2026, 10, 20, 14, 0, 0, 123)],
    ['2026-11-20T14:00:00+02:00', Date.UTC(2026, 10, 20, 12)],
    ['2026-11-20 14:00-05:30', Date.UTC(2026, 10, 20, 19, 30)],
  ])('%s is RFC 3339', (text, expected) => {
    expect(parseTime(text, NOW)).toBe(expected);
  });

  it.each([
    ['2h ago', 7_200_000],
    ['90s ago', 90_000],
    ['1.5h  ago', 5_400_000],
    ['30m', 1_800_000],
    ['1d ago', 86_400_000],
  ])('%s counts back from now', (text, ms) => {
    expect(parseTime(text, NOW)).toBe(NOW - ms);
  });

  it.each([
    '',
    '24:00',
    '14:60',
    '14:00:60',
    '14',
    'tomorrow',
    '2h later',
    'ago',
    '-2h ago',
    '2026-02-30',
    '2026-13-01',
    '2026-11-20T',
    '2026-11-20T25:00',
    '2026-11-20T14:00:00+99:00',
    '21.11.2026',
    'NaN',
    '2 h ago',
    'Z',
  ])('%j is refused', (text) => {
    expect(() => parseTime(text, NOW)).toThrow(HaspError);
    expect(() => parseTime(text, NOW)).toThrow(expect.objectContaining({ code: 'E_USAGE', message: 'not a time' }));
  });
});
