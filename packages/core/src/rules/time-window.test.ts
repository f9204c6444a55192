import { describe, expect, it } from 'vitest';
import { parsePolicy } from './policy-file.ts';
import { isWithin, type TimeWindow } from './time-window.ts';

function windowOf(timeWindow: object): TimeWindow {
  const rule = { id: 'r', effect: 'allow', agentSelector: '*', credentialSelector: '*', constraints: { timeWindow } };
  const [parsed] = parsePolicy(JSON.stringify([rule]), 'policy.json').rules;
  return parsed?.constraints.timeWindow as TimeWindow;
}

const within = (timeWindow: object, time: string) => isWithin(windowOf(timeWindow), Date.parse(time));

describe('a time window', () => {
  const day = { start: '09:00', end: '18:00', timeZone: 'UTC' };
  const night = { start: '22:00', end: '06:00', timeZone: 'UTC' };

  it.each([
    [day, '08:59:59.999', false],
    [day, '09:00:00.000', true],
    [day, '17:59:59.999', true],
    [day, '18:00:00.000', false],
    [night, '21:59:59.999', false],
    [night, '22:00:00.000', true],
    [night, '23:59:59.999', true],
    [night, '00:00:00.000', true],
    [night, '05:59:59.999', true],
    [night, '06:00:00.000', false],
    [{ start: '22:00', end: '00:00', timeZone: 'UTC' }, '23:59:59.999', true],
    [{ start: '22:00', end: '00:00', timeZone: 'UTC' }, '00:00:00.000', false],
  ])('%j at %s: %s', (window, time, expected) => {
    expect(within(window, `2026-11-20T${time}Z`)).toBe(expected);
  });

  it('knows the days, and over midnight the one on which it began', () => {
    const friday = { ...night, days: ['fri'] };
    expect(within(friday, '2026-11-20T05:00:00Z')).toBe(false); // Friday, of Thursday's night
    expect(within(friday, '2026-11-20T23:00:00Z')).toBe(true);
    expect(within(friday, '2026-11-21T05:00:00Z')).toBe(true);
    expect(within(friday, '2026-11-21T23:00:00Z')).toBe(false);
    expect(within({ ...day, days: ['mon', 'fri'] }, '2026-11-20T12:00:00Z')).toBe(true);
    expect(within({ ...day, days: ['mon', 'fri'] }, '2026-11-19T12:00:00Z')).toBe(false);
    // From Saturday into Sunday into Monday: the week's end is no edge.
    expect(within({ ...night, days: ['sun'] }, '2026-11-23T01:00:00Z')).toBe(true);
    expect(within({ ...night, days: ['sat'] }, '2026-11-22T01:00:00Z')).toBe(true);
  });

  it('goes by the clocks of its zone, summer and winter', () => {
    const berlin = { ...day, timeZone: 'Europe/Berlin' };
    expect(within(berlin, '2026-01-15T08:00:00Z')).toBe(true);
    expect(within(berlin, '2026-01-15T07:59:00Z')).toBe(false);
    expect(within(berlin, '2026-07-15T07:00:00Z')).toBe(true);
    expect(within(berlin, '2026-07-15T16:00:00Z')).toBe(false);
    // 2026-10-25: 02:30 comes twice, and both are within.
    const early = { start: '02:00', end: '03:00', timeZone: 'Europe/Berlin' };
    expect(within(early, '2026-10-25T00:30:00Z')).toBe(true);
    expect(within(early, '2026-10-25T01:30:00Z')).toBe(true);
    expect(within(early, '2026-10-25T02:00:00Z')).toBe(false);
    // 2026-03-29: from 01:59 to 03:00, so this window has no minute that day.
    expect(within(early, '2026-03-29T00:59:59Z')).toBe(false);
    expect(within(early, '2026-03-29T01:00:00Z')).toBe(false);
    // The day of the window is that of the zone, not of UTC.
    expect(
      within({ start: '00:00', end: '08:00', days: ['mon'], timeZone: 'Asia/Tokyo' }, '2026-11-22T16:00:00Z'),
    ).toBe(true);
    expect(within({ ...day, timeZone: 'Asia/Kathmandu' }, '2026-11-20T03:14:00Z')).toBe(false);
    expect(within({ ...day, timeZone: 'Asia/Kathmandu' }, '2026-11-20T03:15:00Z')).toBe(true);
  });

  it('goes by the clock of the machine without a zone', () => {
    const noon = new Date(2026, 10, 20, 12, 0).getTime();
    const local = windowOf({ start: '12:00', end: '12:01', days: ['fri'] });
    expect([isWithin(local, noon), isWithin(local, noon + 60_000), isWithin(local, noon - 1)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
