import { expect, it } from 'vitest';
import { loadNative, nativeStretch, stretch, wasmStretch } from './argon2.ts';
import { withinBounds } from './key-source.ts';
import { CHEAP } from './scratch.ts';

const salt = Buffer.from('0123456789abcdef');

it('stretches to the same bytes natively and by WebAssembly', async () => {
  const native = await loadNative();
  if (!native) throw new Error('@node-rs/argon2 is not installed here');
  for (const [passphrase, cost] of [
    ['correct horse', CHEAP],
    ['pässword \u{1f511}', { ...CHEAP, passes: 3 }],
    ['', CHEAP],
  ] as const) {
    const bytes = Buffer.from(passphrase);
    const byNative = await nativeStretch(native, bytes, salt, cost);
    expect((await wasmStretch(bytes, salt, cost)).equals(byNative)).toBe(true);
    expect((await stretch(bytes, salt, cost)).equals(byNative)).toBe(true);
    expect(byNative).toHaveLength(32);
  }
});

it('leaves the passphrase to the caller', async () => {
  const passphrase = Buffer.from('still here');
  await wasmStretch(passphrase, salt, CHEAP);
  expect(passphrase.toString()).toBe('still here');
});

it('knows parameters that are too weak or too dear', () => {
  expect(withinBounds({ memoryKiB: 65_536, passes: 3, lanes: 1 })).toBe(true);
  expect(withinBounds(CHEAP)).toBe(true);
  expect(withinBounds({ ...CHEAP, memoryKiB: 8_191 })).toBe(false);
  expect(withinBounds({ ...CHEAP, memoryKiB: 1_048_577 })).toBe(false);
  expect(withinBounds({ ...CHEAP, passes: 0 })).toBe(false);
  expect(withinBounds({ ...CHEAP, passes: 17 })).toBe(false);
  expect(withinBounds({ ...CHEAP, lanes: 2 })).toBe(false);
});
