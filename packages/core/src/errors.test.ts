import { describe, expect, it } from 'vitest';
import { ERROR_CODES, HaspError } from './errors.ts';

describe('the catalogue of errors', () => {
  it('maps every code to an exit status from 1 to 6', () => {
    for (const code of ERROR_CODES) {
      expect(new HaspError(code, 'x').exitStatus).toBeGreaterThanOrEqual(1);
      expect(new HaspError(code, 'x').exitStatus).toBeLessThanOrEqual(6);
    }
  });

  it.each([
    ['E_INTERNAL', 1],
    ['E_ENV_CONFLICT', 2],
    ['E_UNTRUSTED_PROJECT', 3],
    ['E_SECRET_MISSING', 4],
    ['E_AUDIT_WRITE', 5],
    ['E_CHAIN_BROKEN', 6],
  ] as const)('%s exits with %d', (code, status) => {
    expect(new HaspError(code, 'x').exitStatus).toBe(status);
  });
});
