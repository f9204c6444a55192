/** From 0 for Sunday, as Date has them. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** What the clocks on the wall say. */
export interface WallTime {
  /** From 0 for Sunday. */
  readonly weekday: number;
  /** Since midnight. */
  readonly minutes: number;
}

/** From `start` to before `end`, in minutes since midnight; over midnight where `end` is the earlier one. */
export interface TimeWindow {
  readonly start: number;
  readonly end: number;
  /** On which it begins; absent: every day. */
  readonly days?: readonly Weekday[];
  /** IANA name; absent: the machine's. */
  readonly timeZone?: string;
  /** Of a moment in milliseconds since 1970, in that zone. */
  readonly wallTime: (now: number) => WallTime;
}

export function isWithin(window: TimeWindow, now: number): boolean {
  const { start, end, days } = window;
  const { weekday, minutes } = window.wallTime(now);
  const begins = (day: number) => days === undefined || days.includes(WEEKDAYS[day] as Weekday);
  if (start < end) return minutes >= start && minutes < end && begins(weekday);
  return (minutes >= start && begins(weekday)) || (minutes < end && begins((weekday + 6) % 7));
}

/** `22:00-06:00 mon,fri Europe/Berlin` */
export function describeWindow({ start, end, days, timeZone }: TimeWindow): string {
  return [`${clock(start)}-${clock(end)}`, days?.join(','), timeZone].filter((part) => part !== undefined).join(' ');
}

function clock(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** By the rules of a zone, its changes of clock included. @throws RangeError for what is no zone */
export function wallClock(timeZone: string | undefined): TimeWindow['wallTime'] {
  if (timeZone === undefined) return localTime;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (now) => {
    const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
    return {
      weekday: WEEKDAYS.indexOf(String(parts['weekday']).toLowerCase() as Weekday),
      minutes: Number(parts['hour']) * 60 + Number(parts['minute']),
    };
  };
}

function localTime(now: number): WallTime {
  const date = new Date(now);
  return { weekday: date.getDay(), minutes: date.getHours() * 60 + date.getMinutes() };
}
