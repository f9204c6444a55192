import { HaspError } from './errors.ts';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)$/;

/** Grants never outlive this, whatever a flag or a policy says (milliseconds). */
export const MAX_TTL_MS = UNIT_MS.d;

/** `90s`, `15m`, `1.5h` in milliseconds, rounded. @throws HaspError E_USAGE; the text is not repeated */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  if (!match) {
    throw new HaspError('E_USAGE', 'not a duration', 'a number and ms, s, m, h or d, for example 90s');
  }
  return Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]);
}

/** For a person: 90_000 → `90s`, 7_200_000 → `2h`; what no unit divides, in two: `23h 59m`, `1.2s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= UNIT_MS[unit] && ms % UNIT_MS[unit] === 0 && (unit !== 's' || ms < 600_000))
      return `${ms / UNIT_MS[unit]}${unit}`;
  }
  for (const [unit, below] of [
    ['d', 'h'],
    ['h', 'm'],
    ['m', 's'],
  ] as const) {
    if (ms >= UNIT_MS[unit])
      return `${Math.floor(ms / UNIT_MS[unit])}${unit} ${Math.floor((ms % UNIT_MS[unit]) / UNIT_MS[below])}${below}`;
  }
  return ms >= UNIT_MS.s ? `${(ms / UNIT_MS.s).toFixed(1)}s` : `${Math.round(ms)}ms`;
}
