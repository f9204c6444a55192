import { describe, expect, it } from 'vitest';
import { maskText } from './mask-text.ts';

const values = [{ name: 'DB', bytes: new TextEncoder().encode('pässwörd1') }];

describe('masking a text', () => {
  it('replaces every value by its mark', () => {
    expect(maskText('--url=postgres://me:pässwörd1@db', values)).toBe('--url=postgres://me:[hasp:DB]@db');
    expect(maskText('pässwörd1pässwörd1', values)).toBe('[hasp:DB][hasp:DB]');
  });

  it('returns a text without values as it is', () => {
    for (const text of ['', 'npm test', 'päss', '\ufeffpäs', 'a\0b', '日本語'])
      expect(maskText(text, values)).toBe(text);
    expect(maskText('anything', [])).toBe('anything');
  });

  it('does not look for values of under seven bytes', () => {
    expect(maskText('test', [{ name: 'SHORT', bytes: new TextEncoder().encode('test') }])).toBe('test');
  });
});
