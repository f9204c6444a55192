import fc from 'fast-check';
import { expect, it } from 'vitest';
import { maskText } from './mask-text.ts';
import { allSpellings } from './spellings.fixture.ts';
import { makeTextMask } from './text-mask.ts';

const value = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '+', ' ', "'", '\\', '/', '\n'), minLength: 7, maxLength: 60 }),
);

it('what is said to be clean without a matcher is clean', () => {
  const texts = fc.array(value, { minLength: 1, maxLength: 3 }).chain((values) => {
    const named = values.map((each, at) => ({ name: `S${at}`, bytes: Buffer.from(each) }));
    const spellings = named.flatMap(({ bytes }) => allSpellings(bytes)).map((each) => Buffer.from(each).toString());
    const part = fc.oneof(fc.constantFrom('/home/', 'x', ' ', ...spellings), fc.string({ maxLength: 20 }));
    return fc.tuple(
      fc.constant(named),
      fc.array(
        fc.array(part, { maxLength: 4 }).map((parts) => parts.join('')),
        { maxLength: 4 },
      ),
    );
  });
  fc.assert(
    fc.property(texts, ([named, all]) => {
      const texts = makeTextMask(named);
      for (const text of all) expect(texts.mask(text)).toBe(maskText(text, named));
    }),
    { numRuns: 500 },
  );
});

it('knows nothing of the values any more once it is wiped', () => {
  const bytes = Buffer.from('correct-horse-battery');
  for (const text of ['a correct-horse-battery', 'a correct-horse-batterÿ', 'nothing of the kind in here']) {
    const texts = makeTextMask([{ name: 'S', bytes }]);
    texts.mask(text);
    texts.wipe();
    expect(texts.mask('a correct-horse-battery')).toBe('a correct-horse-battery');
  }
});
