import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Manifest, parseManifest, type Wishes } from './manifest.ts';
import { formatVersionedName } from './reference.ts';

// Frozen: files of this format have to be read, and the others to be refused, for ever (docs/formats/manifest.md).
const frozen = JSON.parse(readFileSync(new URL('../../../test/vectors/manifest.json', import.meta.url), 'utf8')) as {
  readonly valid: readonly { what: string; text: string; reads: unknown }[];
  readonly invalid: readonly { condition: number; text: string; at: string }[];
};

function plainWishes<T extends Wishes>({ bindings, ask, ...more }: T) {
  return {
    ...more,
    bindings: bindings.map(({ reference, delivery }) => [
      delivery.kind,
      'variable' in delivery ? delivery.variable : null,
      formatVersionedName(reference),
    ]),
    ask: ask.map(formatVersionedName),
  };
}

function plain({ targets, agents, ...top }: Manifest) {
  return {
    ...plainWishes(top),
    targets: Object.fromEntries([...targets].map(([name, target]) => [name, plainWishes(target)])),
    agents: Object.fromEntries(agents),
  };
}

describe('a frozen hasp.json', () => {
  it.each(frozen.valid)('with $what is read as ever', ({ text, reads }) => {
    expect(plain(parseManifest(text, 'hasp.json'))).toEqual(reads);
  });

  it.each(frozen.invalid)('that breaks condition $condition is refused: $text', ({ text, at }) => {
    expect(() => parseManifest(text, 'hasp.json')).toThrow(
      expect.objectContaining({ code: 'E_MANIFEST_INVALID', message: expect.stringMatching(`^hasp.json:${at}: `) }),
    );
  });

  it('breaks each condition of the text at least once', () => {
    expect(new Set(frozen.invalid.map(({ condition }) => condition))).toEqual(
      new Set([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    );
  });
});
