import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAnsiRedactor } from './ansi-redactor.ts';
import { makeMatcher } from './matcher.ts';
import { makeRedactor, type Redactor } from './redactor.ts';
import { unwrapSlowly } from './unwrapped.fixture.ts';

const ESC = '\x1b';
const bytes = (characters: string): Uint8Array => Buffer.from(characters, 'latin1');
const text = (all: Uint8Array): string => Buffer.from(all).toString('latin1');
const matcherOf = (...values: string[]) =>
  makeMatcher(values.map((value, at) => ({ name: `S${at}`, bytes: bytes(value) })));

/** What a terminal shows, the slow way. */
const CONTROL = '\\[[0-?]{0,60}[ -/]{0,3}[@-~]?';
const STRING = '[\\]PX^_][^\x07\x1b\x18\x1a]*(?:[\x07\x18\x1a]|\x1b\\\\|$|(?=\x1b))';
const OTHER = '[ -/]{0,3}[0-OQ-WYZ\\\\`-~]?';
const visible = (stream: string): string =>
  stream.replaceAll(new RegExp(`\x1b(?:${CONTROL}|${STRING}|${OTHER})`, 'g'), '');

function mask(redactor: Redactor, stream: string, cuts: readonly number[] = []): string {
  const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
  let output = '';
  let start = 0;
  for (const end of [...places, stream.length]) {
    const room = (end * 7) % 300;
    const memory = Buffer.alloc(8 + room + end - start, 0x3f);
    const chunk = memory.subarray(8 + room);
    chunk.set(bytes(stream.slice(start, end)));
    output += text(redactor.push(chunk, room));
    expect(memory.subarray(0, 8).every((byte) => byte === 0x3f)).toBe(true);
    // The memory is used again.
    memory.fill(0x21);
    start = end;
  }
  return output + text(redactor.end());
}

const everyStep = (step: number, length: number) =>
  Array.from({ length: Math.ceil(length / step) }, (_, at) => at * step);
const masked = (values: readonly string[], stream: string) => mask(makeAnsiRedactor(matcherOf(...values)), stream);

describe('a value that escape sequences interrupt', () => {
  const SECRET = 'correct-horse';

  it.each([
    ['a colour', `a corr${ESC}[31mect-h${ESC}[0morse b`, `a [hasp:S0]${ESC}[31m${ESC}[0m b`],
    ['grep', `x${ESC}[01;31m${ESC}[Kcorrect${ESC}[m${ESC}[K-horse`, `x${ESC}[01;31m${ESC}[K[hasp:S0]${ESC}[m${ESC}[K`],
    ['a title', `correct-${ESC}]0;title${ESC}\\horse`, `[hasp:S0]${ESC}]0;title${ESC}\\`],
    ['a link', `correct-${ESC}]8;;https://x\x07horse`, `[hasp:S0]${ESC}]8;;https://x\x07`],
    ['a character set', `correct-${ESC}(Bhorse`, `[hasp:S0]${ESC}(B`],
    [
      'its every letter',
      [...SECRET].map((letter) => `${ESC}[1m${letter}`).join(''),
      `${ESC}[1m[hasp:S0]${`${ESC}[1m`.repeat(12)}`,
    ],
    ['around it only', `${ESC}[1mcorrect-horse${ESC}[0m!`, `${ESC}[1m[hasp:S0]${ESC}[0m!`],
  ])('is masked: %s', (_, stream, expected) => {
    expect(masked([SECRET], stream)).toBe(expected);
  });

  it('is masked within a sequence, and where it contains one', () => {
    expect(masked([SECRET], `${ESC}]8;;https://u:correct-horse@x\x07link`)).toBe(
      `${ESC}]8;;https://u:[hasp:S0]@x\x07link`,
    );
    expect(masked([`raw${ESC}[1mvalue`], `<raw${ESC}[1mvalue>`)).toBe('<[hasp:S0]>');
  });

  it('is masked to its end, however long it is', () => {
    const long = Array.from({ length: 300 }, (_, index) => (index * 7919).toString(36)).join('');
    const stream = `<${long.slice(0, 700)}${ESC}[7m${long.slice(700)}>`;
    expect(long.length).toBeGreaterThan(800);
    expect(masked([long], stream)).toBe(`<[hasp:S0]${ESC}[7m>`);
  });

  it('is masked to its end where its first sequence comes long after its head, in a later chunk', () => {
    const long = Array.from({ length: 300 }, (_, index) => (index * 7919).toString(36)).join('');
    const stream = `<${long.slice(0, 700)}${ESC}[7m${long.slice(700)}>${long.slice(0, 400)}<${ESC}[0m${long}`;
    const expected = `<[hasp:S0]${ESC}[7m>[hasp:S0]<${ESC}[0m[hasp:S0]`;
    for (let cut = 1; cut < stream.length; cut += 13) {
      expect(mask(makeAnsiRedactor(matcherOf(long)), stream, [cut])).toBe(expected);
      expect(mask(makeAnsiRedactor(matcherOf(long)), stream, [cut, 2 * cut, 3 * cut])).toBe(expected);
    }
    const everywhere = Array.from(stream, (_, at) => at);
    expect(mask(makeAnsiRedactor(matcherOf(long)), stream, everywhere)).toBe(expected);
  });

  it('is shown up to three letters in a silence, and the rest is masked', () => {
    const redactor = makeAnsiRedactor(matcherOf(SECRET));
    const before = text(redactor.push(bytes(`${ESC}[1mco`)));
    expect(before + text(redactor.idle())).toBe(`${ESC}[1mco`);
    expect(text(redactor.push(bytes(`${ESC}[0mrrect-horse.`)))).toBe(`[hasp:S0]${ESC}[0m.`);
  });

  it('holds no more than is said, whatever comes', () => {
    const redactor = makeAnsiRedactor(matcherOf(SECRET));
    let held = 0;
    for (let turn = 0; turn < 1000; turn += 1) {
      const piece = bytes(turn === 0 ? 'correct' : `${ESC}[${turn}m`);
      held += piece.length - redactor.push(piece).length;
      expect(held).toBeLessThan(4_200);
    }
  });
});

const piece = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 12 }),
  fc.constantFrom(
    `${ESC}[1m`,
    `${ESC}[01;31m`,
    `${ESC}[K`,
    `${ESC}]0;ab\x07`,
    `${ESC}]8;;aab${ESC}\\`,
    `${ESC}(B`,
    `${ESC}c`,
  ),
  fc.constantFrom(ESC, `${ESC}[`, `${ESC}]a`, `${ESC}${ESC}`, '\x07', '1', 'm', '\n'),
  // So far from a sequence nobody looks behind sequences any more.
  fc.constantFrom('a'.repeat(300), 'ab'.repeat(150), 'x'.repeat(250), 'x'.repeat(300)),
);
const streams = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
const someValues = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 7, maxLength: 14 }), {
  minLength: 1,
  maxLength: 4,
});
const cuts = fc.array(fc.nat(5000), { maxLength: 30 });

describe('any stream', () => {
  it('comes out the same however it is cut, and shows no value', () => {
    fc.assert(
      fc.property(someValues, streams, cuts, (values, stream, places) => {
        const matcher = matcherOf(...values);
        const whole = mask(makeAnsiRedactor(matcher), stream);
        expect(mask(makeAnsiRedactor(matcher), stream, places)).toBe(whole);
        const shown = visible(whole).replaceAll(/\[hasp:S\d\]/g, '.');
        for (const value of values) {
          expect(whole).not.toContain(value);
          expect(shown).not.toContain(value);
          expect(unwrapSlowly(shown).text).not.toContain(value);
        }
        const texts = [visible(stream), stream].flatMap((each) => [each, unwrapSlowly(each).text]);
        if (!values.some((value) => texts.some((each) => each.includes(value)))) expect(whole).toBe(stream);
      }),
      { numRuns: 1_000 },
    );
  });

  it('of long values, too', () => {
    const someLong = fc
      .tuple(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 9 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 260, max: 700 }),
      )
      .map(([parts, length]) => parts.join('').repeat(700).slice(0, length));
    const cases = fc.array(someLong, { minLength: 1, maxLength: 2 }).chain((values) => {
      const long = fc.constantFrom(...values);
      const part = fc.oneof(
        long,
        fc.tuple(long, fc.nat(700)).map(([value, end]) => value.slice(0, end)),
        fc.tuple(long, fc.nat(700)).map(([value, start]) => value.slice(start)),
        fc.tuple(long, fc.nat(700)).map(([value, at]) => `${value.slice(0, at)}${ESC}[1m${value.slice(at)}`),
        piece,
      );
      const whole = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
      return fc.tuple(fc.constant(values), whole, cuts);
    });
    fc.assert(
      fc.property(cases, ([values, stream, places]) => {
        const matcher = matcherOf(...values);
        const whole = mask(makeAnsiRedactor(matcher), stream);
        expect(mask(makeAnsiRedactor(matcher), stream, places)).toBe(whole);
        const shown = visible(whole).replaceAll(/\[hasp:S\d\]/g, '\n');
        for (const value of values) expect(shown).not.toContain(value.slice(0, 256));
      }),
      { numRuns: 500 },
    );
  });

  it('that is binary here and there comes out the same however it is cut, and shows no value', () => {
    const value = 'correct-horse';
    const part = fc.oneof(
      fc.constantFrom('\0', value, `corr${ESC}[1mect-horse`, 'correct-', 'horse', `${ESC}[1m`, ESC),
      fc.integer({ min: 1, max: 70_000 }).map((length) => 'x'.repeat(length)),
    );
    const matcher = matcherOf(value);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), fc.array(fc.nat(300_000), { maxLength: 10 }), (parts, places) => {
        const stream = parts.join('');
        const whole = mask(makeAnsiRedactor(matcher), stream);
        expect(mask(makeAnsiRedactor(matcher), stream, places) === whole).toBe(true);
        expect(whole.includes(value)).toBe(false);
        if (!stream.includes('\0')) expect(visible(whole).includes(value)).toBe(false);
      }),
    );
  });

  it('that is text again long after a NUL is looked through as before', () => {
    const interrupted = `corr${ESC}[1mect-horse`;
    const far = 'x'.repeat(70_000);
    expect(masked(['correct-horse'], `\0${interrupted}${far}${interrupted}`)).toBe(
      `\0${interrupted}${far}[hasp:S0]${ESC}[1m`,
    );
  });

  it('without sequences comes out as from a plain redactor', () => {
    fc.assert(
      fc.property(
        someValues,
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 300 }),
        cuts,
        (values, stream, places) => {
          const matcher = matcherOf(...values);
          expect(mask(makeAnsiRedactor(matcher), stream, places)).toBe(mask(makeRedactor(matcher), stream));
        },
      ),
    );
  });

  it('that is long comes out the same in small chunks as in large ones, in memory that the matcher lends', () => {
    const values = ['correct-horse-battery', 'swordfish', 'k'.repeat(100) + 'l'.repeat(400)];
    const part = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.integer({ min: 1, max: 90_000 }).map((length) => 'line of text, '.repeat(length / 14)),
      },
      { weight: 3, arbitrary: fc.constantFrom(...values) },
      fc
        .tuple(fc.constantFrom(...values), fc.nat(500))
        .map(([value, at]) => `${value.slice(0, at)}${ESC}[1m${value.slice(at)}`),
      fc.constantFrom('\0', `${ESC}[0m`, ESC, 'correct-', 'k'.repeat(256), 'swordfis'),
    );
    const streams = fc.array(part, { minLength: 20, maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(streams, fc.integer({ min: 1000, max: 300_000 }), (stream, size) => {
        const expected = mask(makeAnsiRedactor(matcherOf(...values)), stream, everyStep(509, stream.length));
        const redactor = makeAnsiRedactor(matcherOf(...values));
        let memory: Uint8Array = new Uint8Array(512 + size);
        let output = '';
        for (let at = 0; at < stream.length; at += size) {
          const chunk = memory.subarray(512, 512 + Math.min(size, stream.length - at));
          chunk.set(bytes(stream.slice(at, at + size)));
          output += text(redactor.push(chunk, 512));
          memory = redactor.memory(512 + size) ?? memory;
        }
        expect(output + text(redactor.end()) === expected).toBe(true);
        for (const value of values) expect(expected.includes(value)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});
