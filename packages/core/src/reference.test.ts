import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HaspError } from './errors.ts';
import { formatReference, isName, parseName, parseReference, parseVersionedName } from './reference.ts';

const first = fc.constantFrom(...'ABCxyz_');
const rest = fc.string({ unit: fc.constantFrom(...'abcXYZ019_.-'), maxLength: 12 });
const part = fc.tuple(first, rest).map(([head, tail]) => head + tail);
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

describe('a reference', () => {
  it('reads back what it writes, with and without a version', () => {
    fc.assert(
      fc.property(name, fc.option(fc.integer({ min: 1, max: 999_999_999 }), { nil: undefined }), (text, version) => {
        const reference = version === undefined ? { name: text } : { name: text, version };
        expect(parseReference(formatReference(reference))).toEqual(reference);
      }),
    );
  });

  it.each([
    '',
    'db/url',
    'hasp://',
    'hasp:///x',
    'hasp://x/',
    'hasp://x@0',
    'hasp://x@01',
    'hasp://x@',
    'hasp://1x',
    'hasp://x y',
    'HASP://x',
    'hasp://x@1@2',
  ])('refuses %j without repeating it', (text) => {
    expect(() => parseReference(text)).toThrowError(HaspError);
    try {
      parseReference(text);
    } catch (error) {
      expect((error as HaspError).code).toBe('E_REFERENCE_INVALID');
    }
  });

  it('never throws anything but a HaspError that does not hold the text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), (text) => {
        try {
          parseVersionedName(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HaspError);
          if (text.length > 12) expect((error as HaspError).message).not.toContain(text);
        }
      }),
    );
  });
});

describe('a name', () => {
  it('has at most 255 bytes', () => {
    expect(isName('a'.repeat(255))).toBe(true);
    expect(isName('a'.repeat(256))).toBe(false);
  });

  it.each(['a//b', '/a', 'a/', '.a', '-a', 'a/../b', 'ä', 'a\n', 'a=b'])('is not %j', (text) => {
    expect(() => parseName(text)).toThrow(/not a valid secret name/);
  });
});
