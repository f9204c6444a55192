import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeMatcher } from './matcher.ts';
import { makeRedactor, markOf } from './redactor.ts';
import { allSpellings } from './spellings.fixture.ts';
import type { NamedValue } from './spellings.ts';
import { LINE_ENDS, unwrapSlowly, WIDTHS, wrap } from './unwrapped.fixture.ts';

const LONGEST_PATTERN = 256;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytes = (characters: string): Uint8Array => Buffer.from(characters, 'latin1');
const named = (...values: string[]): NamedValue[] =>
  values.map((value, at) => ({ name: `S${at}`, bytes: bytes(value) }));

/** What the redactor must say, found the slow way in the whole stream. */
function maskSlowly(stream: string, values: readonly NamedValue[]): string {
  const found: { start: number; end: number; known: number; name: string }[] = [];
  const asItIs = { text: stream, places: Array.from(stream, (_, at) => at), isHead: false };
  // Beyond its head a long value is followed across escaped line ends alone, where there are any.
  const plain = { ...unwrapSlowly(stream, undefined, false), isHead: true };
  for (const { text: searched, places, isHead } of [asItIs, { ...unwrapSlowly(stream), isHead: false }, plain]) {
    for (const { name, bytes: value } of values) {
      for (const spelling of allSpellings(value).map(text)) {
        const known = spelling.slice(0, LONGEST_PATTERN);
        for (let start = searched.indexOf(known); start >= 0; start = searched.indexOf(known, start + 1)) {
          let length = known.length;
          while (!isHead && length < spelling.length && searched[start + length] === spelling[length]) length += 1;
          const [first, last] = [places[start] as number, places[start + length - 1] as number];
          found.push({ start: first, end: last + 1, known: known.length, name });
        }
      }
    }
  }
  found.sort((a, b) => a.start - b.start || b.known - a.known);
  let [output, at, markedTo] = ['', 0, -1];
  for (const { start, end, name } of found) {
    if (start >= markedTo) {
      output += stream.slice(at, start) + markOf(name);
      markedTo = end;
    }
    markedTo = Math.max(markedTo, end);
    at = markedTo;
  }
  return output + stream.slice(at);
}

/** Cuts the stream at the given places; each chunk lies at another address, and is overwritten after use. */
function maskInChunks(stream: string, cuts: readonly number[], values: readonly NamedValue[]): string {
  const redactor = makeRedactor(values);
  const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
  let output = '';
  let start = 0;
  for (const end of [...places, stream.length]) {
    const room = (end * 7) % 300;
    const chunk = Buffer.alloc(1 + room + (start % 4) + end - start, 0x3f);
    const used = chunk.subarray(1 + room + (start % 4));
    used.set(bytes(stream.slice(start, end)));
    output += text(redactor.push(used, room));
    expect(chunk.subarray(0, 1 + (start % 4)).every((byte) => byte === 0x3f)).toBe(true);
    chunk.fill(0x21);
    start = end;
  }
  return output + text(redactor.end());
}

const letters = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: least, maxLength: most });
const someValue = (least: number) =>
  fc.oneof(
    { weight: 4, arbitrary: letters(least, least + 20) },
    { weight: 1, arbitrary: fc.tuple(letters(1, 5), fc.integer({ min: least, max: 150 })).map(repeat) },
    { weight: 1, arbitrary: letters(257, 600) },
    { weight: 1, arbitrary: fc.tuple(letters(least, least + 13), letters(20, 30)).map((lines) => lines.join('\n')) },
  );
const repeat = ([unit, times]: [string, number]): string => unit.repeat(times);
/** Values that contain each other and begin alike, and streams made of them, of their beginnings, and of noise. */
const hostile = fc
  // The longer the shortest value is, the further the filter reaches.
  .constantFrom(8, 12, 20)
  .chain((least) => fc.array(someValue(least), { minLength: 1, maxLength: 5 }))
  .map((some) => [...some, `${some[0]}a`, (some[0] as string).slice(1)])
  .chain((values) => fc.tuple(fc.constant(values), streamOf(values), fc.array(fc.nat(5000), { maxLength: 20 })));
const streamOf = (values: readonly string[]) => {
  const spellings = values.flatMap((value) => allSpellings(bytes(value)).map(text));
  const some = fc.oneof(fc.constantFrom(...values), fc.constantFrom(...values, ...spellings));
  const part = fc.oneof(
    some,
    fc.tuple(some, fc.nat(400)).map(([whole, length]) => whole.slice(0, length)),
    fc.tuple(some, fc.nat(30)).map(([whole, from]) => whole.slice(from)),
    letters(0, 20),
    fc.string({ unit: fc.constantFrom('\0', '\n', 'x', '\xff', 'a'), maxLength: 150 }),
  );
  const parts = fc.array(part, { maxLength: 12 }).map((all) => all.join(''));
  const encoded = fc.array(fc.oneof(some, letters(0, 60)), { maxLength: 8 }).map((all) => all.join(''));
  const inLines = fc.tuple(encoded, fc.constantFrom(...WIDTHS), fc.constantFrom(...LINE_ENDS)).map(wrap);
  return fc.oneof(
    parts,
    fc.tuple(parts, inLines, parts).map((all) => all.join('')),
  );
};

describe('a redactor (I7)', () => {
  it('masks the same however the stream is cut, and leaves every other byte alone', () => {
    fc.assert(
      fc.property(hostile, ([values, stream, cuts]) => {
        expect(maskInChunks(stream, cuts, named(...values))).toBe(maskSlowly(stream, named(...values)));
      }),
      { numRuns: 500 },
    );
  });

  it('lets no value through', () => {
    fc.assert(
      fc.property(hostile, ([values, stream, cuts]) => {
        const output = maskInChunks(stream, cuts, named(...values));
        for (const spelling of values.flatMap((each) => allSpellings(bytes(each)).map(text))) {
          expect(output).not.toContain(spelling.slice(0, LONGEST_PATTERN));
          expect(unwrapSlowly(output).text).not.toContain(spelling.slice(0, LONGEST_PATTERN));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('masks the same byte by byte', () => {
    const values = named('abcdefgh', 'efghijkl', 'ijklmnop', 'aaaaaaa');
    for (const stream of [
      'abcdefghijklmnop',
      'xabcdefgh',
      'abcdefg',
      'aaaaaaaaaaaaaaaaaaaab',
      'efghijklabcdefgh',
      '',
    ]) {
      const everywhere = Array.from(stream, (_, at) => at);
      expect(maskInChunks(stream, everywhere, values)).toBe(maskSlowly(stream, values));
    }
  });

  it('joins what overlaps under the name that begins first, and keeps neighbours apart', () => {
    const values = named('abcdefgh', 'efghijkl');
    expect(maskInChunks('<abcdefghijkl>', [], values)).toBe('<[hasp:S0]>');
    expect(maskInChunks('<abcdefghefghijkl>', [], values)).toBe('<[hasp:S0][hasp:S1]>');
    expect(maskInChunks(`<${'z'.repeat(100)}>`, [50], named('zzzzzzz'))).toBe('<[hasp:S0]>');
  });

  it('returns the very chunk where there is nothing to mask or to hold back', () => {
    const redactor = makeRedactor(named('swordfish'));
    const chunk = bytes('nothing to see here, '.repeat(100));
    expect(redactor.push(chunk)).toBe(chunk);
    const silent = makeRedactor(named('short'));
    expect(silent.push(chunk)).toBe(chunk);
    expect(silent.end()).toHaveLength(0);
  });

  it('holds back only what may begin a value, and less than 256 bytes of it', () => {
    const long = 'k'.repeat(100) + 'l'.repeat(400);
    const redactor = makeRedactor(named('swordfish', long));
    expect(text(redactor.push(bytes('a fish, a sword')))).toBe('a fish, a ');
    expect(text(redactor.push(bytes('s')))).toBe('sword');
    expect(text(redactor.push(bytes(' ')))).toBe('s ');
    expect(text(redactor.push(bytes(long.slice(0, 255))))).toBe('');
    expect(text(redactor.push(bytes(long.slice(255, 300))))).toBe('[hasp:S1]');
    expect(text(redactor.push(bytes(long.slice(300, 400))))).toBe('');
    expect(text(redactor.push(bytes('.')))).toBe('.');
    expect(text(redactor.end())).toBe('');
  });

  it('shows up to three bytes when the stream is silent, and still masks the rest of a value', () => {
    const redactor = makeRedactor(named('swordfish'));
    expect(text(redactor.push(bytes('Enter class')))).toBe('Enter clas');
    expect(text(redactor.idle())).toBe('s');
    expect(text(redactor.idle())).toBe('');
    expect(text(redactor.push(bytes('wo')))).toBe('');
    expect(text(redactor.idle())).toBe('wo');
    expect(text(redactor.push(bytes('r')))).toBe('');
    expect(text(redactor.idle())).toBe('');
    expect(text(redactor.push(bytes('dfish!')))).toBe('[hasp:S0]!');
    expect(text(redactor.push(bytes('sword')))).toBe('');
    expect(text(redactor.end())).toBe('sword');
  });

  it('masks a key line by line after its newlines were changed, and leaves the public armour', () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkq\n'.repeat(2)}${'x'.repeat(64)}\n-----END PRIVATE KEY-----\n`;
    const values = [{ name: 'KEY', bytes: bytes(key) }];
    expect(maskInChunks(key, [20, 40], values)).toBe('[hasp:KEY]\n');
    expect(maskInChunks(key.replaceAll('\n', '\r\n'), [41], values)).toBe('[hasp:KEY]\r\n');
    expect(maskInChunks(key.replaceAll('\n', '\n  '), [41], values)).toBe(
      '-----BEGIN PRIVATE KEY-----\n  [hasp:KEY]\n  [hasp:KEY]\n  [hasp:KEY]\n  -----END PRIVATE KEY-----\n  ',
    );
  });

  it('takes any byte, all 256 of them', () => {
    const all = Uint8Array.from({ length: 256 }, (_, at) => at);
    const values = [{ name: 'ALL', bytes: all }];
    const stream = text(all).repeat(3);
    expect(maskInChunks(`x${stream}y`, [100, 300], values)).toBe(`x${'[hasp:ALL]'.repeat(3)}y`);
  });

  it('stays linear when every byte begins a value', () => {
    const values = named('a'.repeat(100_000), `${'a'.repeat(300)}b`, 'a'.repeat(255), `${'a'.repeat(20)}c`);
    const redactor = makeRedactor(makeMatcher(values));
    const chunk = bytes('a'.repeat(65_536));
    const before = process.cpuUsage();
    let output = 0;
    for (let count = 0; count < 16; count += 1) output += redactor.push(chunk).length;
    output += redactor.end().length;
    expect(output).toBe('[hasp:S0]'.length);
    // About a second of CPU; a quadratic one would take hours.
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(15);
  });
});
