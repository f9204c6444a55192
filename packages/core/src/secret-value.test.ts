import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretValue } from './secret-value.ts';

describe('a secret value (I6)', () => {
  const canary = 'canary-5f2b';
  const secret = () => new SecretValue(Buffer.from(canary));

  it.each<[string, (value: SecretValue) => string]>([
    ['a template', (value) => `${value}`],
    ['String()', (value) => String(value)],
    ['JSON', (value) => JSON.stringify({ value })],
    ['inspect', (value) => inspect({ nested: [value] }, { depth: 9, showHidden: true })],
    ['concatenation', (value) => 'x'.concat(value as unknown as string)],
    ['Object.values', (value) => JSON.stringify(Object.values(value))],
  ])('does not show itself in %s', (_way, print) => {
    expect(print(secret())).not.toContain(canary);
    expect(print(secret())).not.toContain(Buffer.from(canary).join(','));
  });

  it('zeroes the very bytes it was given', () => {
    const bytes = Buffer.from(canary);
    new SecretValue(bytes).wipe();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});
