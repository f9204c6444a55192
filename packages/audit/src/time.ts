import { HaspError, parseDuration } from '@hasp/core';

const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;
const AGO = /^(\S+)\s+ago$/;
const DAY_MS = 86_400_000;

/**
 * A moment as people write it, in milliseconds since 1970: `14:00` and `14:00:30` (today), `2h ago`,
 * `2h`, `now`, `today`, `yesterday`, `2026-11-21`, `2026-11-21 14:00`, RFC 3339. Without a zone it is
 * local time.
 * @param now milliseconds since 1970
 * @throws HaspError E_USAGE
 */
export function parseTime(text: string, now: number): number {
  const trimmed = text.trim();
  const clock = CLOCK.exec(trimmed);
  if (clock) return local(startOfDay(now), clock[1], clock[2], clock[3]);
  const date = DATE.exec(trimmed);
  if (date) return parseDate(date);
  if (trimmed === 'now') return now;
  if (trimmed === 'today') return startOfDay(now).getTime();
  if (trimmed === 'yesterday') return startOfDay(startOfDay(now).getTime() - DAY_MS / 2).getTime();
  try {
    return now - parseDuration(AGO.exec(trimmed)?.[1] ?? trimmed);
  } catch {
    throw notATime();
  }
}

function parseDate(match: RegExpExecArray): number {
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const start = new Date(Number(year), Number(month) - 1, Number(day));
  start.setFullYear(Number(year));
  if (start.getMonth() !== Number(month) - 1 || start.getDate() !== Number(day)) throw notATime();
  const ms = fraction === undefined ? 0 : Math.floor(Number(fraction) * 1000);
  const time = local(start, hour ?? '0', minute ?? '0', second) + ms;
  if (zone === undefined) return time;
  const written = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second ?? '00'}${zone.toUpperCase()}`);
  if (Number.isNaN(written)) throw notATime();
  return written + ms;
}

function startOfDay(time: number): Date {
  const day = new Date(time);
  day.setHours(0, 0, 0, 0);
  return day;
}

function local(day: Date, hour: string | undefined, minute: string | undefined, second: string | undefined): number {
  const parts = [Number(hour), Number(minute), Number(second ?? 0)] as const;
  if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59) throw notATime();
  return new Date(day).setHours(...parts, 0);
}

function notATime(): HaspError {
  return new HaspError('E_USAGE', 'not a time', 'for example 14:00, "2h ago", 2026-11-21 or 2026-11-21T14:00:00Z');
}
