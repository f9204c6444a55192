import { describe, expect, it } from 'vitest';
import { makeMatcher, wipeMatcher } from './matcher.ts';
import { makeRedactor } from './redactor.ts';
import { makeSearch } from './search.ts';
import type { NamedValue } from './spellings.ts';

const MIB = 1024 * 1024;
const named = (values: readonly (string | Uint8Array)[]): NamedValue[] =>
  values.map((value, at) => ({ name: `S${at}`, bytes: typeof value === 'string' ? Buffer.from(value) : value }));

/** Bytes without a pattern, the same in every run (xorshift, Marsaglia 2003). */
function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = Math.imul(seed, 0x9e3779b1);
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

function mask(values: readonly NamedValue[], stream: Uint8Array, chunk: number): string {
  const redactor = makeRedactor(values);
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; at += chunk) {
    pieces.push(Buffer.from(redactor.push(Uint8Array.from(stream.subarray(at, at + chunk)))));
  }
  return Buffer.concat([...pieces, redactor.end()]).toString('latin1');
}

/** CPU seconds. A bound says that the work is linear, not how fast it is. */
function cost(deed: () => void): number {
  const before = process.cpuUsage();
  deed();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

describe('hostile input', () => {
  it('ten thousand values are all masked, back to back', () => {
    const values = named(Array.from({ length: 10_000 }, (_, at) => noise(18, at + 1).toString('base64url')));
    const stream = Buffer.concat(values.flatMap(({ bytes }) => [Buffer.from(bytes), Buffer.from('\n')]));
    const expected = values.map(({ name }) => `[hasp:${name}]\n`).join('');
    expect(mask(values, stream, 65_536)).toBe(expected);
  });

  it('values that are beginnings of each other make one mark, in linear time', () => {
    const values = named(Array.from({ length: 1000 }, (_, at) => 'a'.repeat(7 + at)));
    const stream = Buffer.alloc(200_000, 'a');
    let masked = '';
    expect(cost(() => (masked = mask(values, stream, 65_536)))).toBeLessThan(60);
    expect(masked).toBe('[hasp:S249]');
  });

  it('values that contain each other are masked as the first of them', () => {
    const word = 'abcdefghijklmnop';
    const values = named(Array.from({ length: 9 }, (_, at) => word.slice(at)));
    expect(mask(values, Buffer.from(`<${word}${word}>`), 5)).toBe('<[hasp:S0][hasp:S0]>');
    expect(mask(values, Buffer.from(`<${word.slice(3)}>`), 1)).toBe('<[hasp:S3]>');
  });

  it('the beginnings of all values, back to back, are left alone', () => {
    const values = named(Array.from({ length: 300 }, (_, at) => noise(20, at + 1).toString('base64url')));
    const beginnings = Buffer.concat(
      values.flatMap(({ bytes }) => [Buffer.from(bytes.subarray(0, bytes.length - 1)), Buffer.from('.')]),
    );
    for (const chunk of [1, 7, 4096]) expect(mask(values, beginnings, chunk)).toBe(beginnings.toString('latin1'));
  });

  const long = noise(MIB);
  it.each<[string, Buffer]>([
    ['raw', long],
    ['hex', Buffer.from(long.toString('hex'))],
    ['base64', Buffer.from(long.toString('base64'))],
  ])('a value of 1 MiB, %s, is one mark, and its beginning alone too', (_, spelling) => {
    const values = named([long]);
    expect(mask(values, Buffer.concat([Buffer.from('<'), spelling, Buffer.from('>')]), 65_521)).toBe('<[hasp:S0]>');
    expect(mask(values, Buffer.concat([spelling.subarray(0, 5000), Buffer.from('>')]), 100)).toBe('[hasp:S0]>');
    expect(mask(values, spelling.subarray(0, 56), 10)).toBe(spelling.subarray(0, 56).toString('latin1'));
  });

  it('a long text is masked to its end in JSON, with line ends of another system, and in the base64 of base64(1)', () => {
    const text = Array.from({ length: 400 }, (_, at) => `"line" ${at} ${noise(30, at + 1).toString('base64')}`).join(
      '\n',
    );
    const values = named([text]);
    const json = JSON.stringify(text).slice(1, -1);
    expect(mask(values, Buffer.from(`<${json}>`), 1000)).toBe('<[hasp:S0]>');
    expect(mask(values, Buffer.from(`<${text.replaceAll('\n', '\r\n')}>`), 1000)).toBe('<[hasp:S0]>');
    const lines =
      Buffer.from(text)
        .toString('base64')
        .match(/.{1,76}/g) ?? [];
    expect(mask(values, Buffer.from(`<${lines.join('\n')}>`), 1000)).toBe('<[hasp:S0]>');
    const alone = lines.filter(({ length }) => length === 76);
    expect(mask(values, Buffer.from(alone.join('|')), 1000)).toBe(alone.map(() => '[hasp:S0]').join('|'));
  });

  it('the first match of a value in a blob is the last work for it', () => {
    const matcher = makeMatcher(named(['a'.repeat(300), 'a'.repeat(20)]));
    const piece = Buffer.alloc(65_536, 'a');
    const search = makeSearch(matcher);
    const first = cost(() => search.feed(piece));
    expect(cost(() => Array.from({ length: 1000 }, () => search.feed(piece)))).toBeLessThan(first * 10);
    expect(search.end().map(({ name, start }) => [name, start])).toEqual([
      ['S0', 0],
      ['S1', 0],
    ]);
  });

  it('a matcher that was wiped holds nothing of the values', () => {
    const matcher = makeMatcher(named(['correct horse battery', long]));
    wipeMatcher(matcher);
    const { trie, filter, values } = matcher;
    for (const each of [trie.bytes, filter.words, values]) expect(each.every((byte) => byte === 0)).toBe(true);
  });
});
