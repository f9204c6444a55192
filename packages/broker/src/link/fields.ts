import { HaspError } from '@hasp/core';

/** Readers of one member of a message: each gives the type or throws HaspError E_USAGE with the member's name. */

export function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(name);
}

export function array(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(name);
}

export function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw wrong(name);
}

/** A whole number from 0 on. */
export function count(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(name);
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], name: string): T {
  const found = known.find((each) => each === value);
  if (found !== undefined) return found;
  throw wrong(name);
}

/** To be spread: nothing where the member is absent. */
export function optional<T, N extends string>(
  value: unknown,
  name: N,
  read: (value: unknown, name: string) => T,
): { [K in N]?: T } {
  return value === undefined ? {} : ({ [name]: read(value, name) } as { [K in N]?: T });
}

export function wrong(name: string): HaspError {
  return new HaspError('E_USAGE', `${name} is missing or wrong in the message`);
}
