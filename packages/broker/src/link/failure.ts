import { ERROR_CODES, type ErrorCode, HaspError } from '@hasp/core';

/** An error as the other side is told. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** What is no HaspError is a fault of hasp's own, and is not quoted. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof HaspError)) return { code: 'E_INTERNAL', message: 'a fault of the broker' };
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** What the other side was told, as the error it was; undefined where it is none. */
export function errorFrom(failure: unknown): HaspError | undefined {
  if (typeof failure !== 'object' || failure === null) return undefined;
  const { code, message, hint } = failure as Record<string, unknown>;
  const known = ERROR_CODES.find((each) => each === code);
  if (known === undefined || typeof message !== 'string') return undefined;
  return new HaspError(known, message, typeof hint === 'string' ? hint : undefined);
}
