import fc from 'fast-check';
import { expect, it } from 'vitest';
import { beforeOf, type LineBreaks, lineBreaksIn, NOTHING_BEFORE } from './line-breaks.ts';
import { makeMatcher } from './matcher.ts';
import { makeRedactor } from './redactor.ts';
import { makeSearch } from './search.ts';
import { LINE_ENDS, unwrapSlowly, WIDTHS, wrap } from './unwrapped.fixture.ts';
import { MULTIPLIER, makeWordFilter } from './word-filter.ts';
import { WordFinder } from './word-finder.ts';

const VALUE = 'sk_live_51HxQ2eZvKYlo2C0example';
const LONG = Array.from({ length: 700 }, (_, at) => String.fromCharCode(33 + ((at * 7 + (at >> 3)) % 90))).join('');

/** As `base64 config.yaml` prints it: the value stands somewhere in what was encoded. */
function encode(value: string, before: number, encoding: 'base64' | 'hex', width: number, lineEnd: string): string {
  return wrap([
    Buffer.from(`${'- x'.repeat(before).slice(0, before)}${value}\nrest: of it\n`).toString(encoding),
    width,
    lineEnd,
  ]);
}

function isFound(value: string, text: string): boolean {
  const search = makeSearch(makeMatcher([{ name: 'KEY', bytes: Buffer.from(value) }]));
  search.feed(Buffer.from(text), true);
  return search.end().length === 1;
}

function mask(value: string, text: string, chunk: number): string {
  const redactor = makeRedactor([{ name: 'KEY', bytes: Buffer.from(value) }]);
  let output = '';
  for (let at = 0; at < text.length; at += chunk) {
    output += Buffer.from(redactor.push(Buffer.from(text.slice(at, at + chunk)))).toString();
  }
  return output + Buffer.from(redactor.end()).toString();
}

it.each<[tool: string, 'base64' | 'hex', width: number, lineEnd: string]>([
  ['base64', 'base64', 76, '\n'],
  ['openssl base64', 'base64', 64, '\n'],
  ['MIME', 'base64', 76, '\r\n'],
  ['YAML', 'base64', 76, '\n    '],
  ['xxd -p', 'hex', 60, '\n'],
  ['base64 in a JSON', 'base64', 76, '\\n'],
  ['base64 in a JSON in a JSON', 'base64', 76, '\\\\r\\\\n'],
  ['base64 in a JSON, indented', 'base64', 64, '\\n\\t  '],
])('a value in a longer text is found wherever a line of %s ends within it', (_, encoding, width, lineEnd) => {
  for (const value of [VALUE, LONG]) {
    for (let before = 0; before < 120; before += 1) {
      const text = encode(value, before, encoding, width, lineEnd);
      expect([before, isFound(value, text)]).toEqual([before, true]);
      const masked = mask(value, text, 50 + before);
      expect(masked.split('[hasp:KEY]')).toHaveLength(2);
      // But for the digits at its ends, in which its neighbours have a part.
      const digits = masked.replace('[hasp:KEY]', '').replaceAll(lineEnd, '').length;
      const others =
        text.replaceAll(lineEnd, '').length - Buffer.from(value).toString(encoding).replace(/=/g, '').length;
      expect(digits - others).toBeLessThanOrEqual(2);
    }
  }
});

it('a long value is masked across a line end that comes long after its head', () => {
  const token = Buffer.from(LONG).toString('hex');
  const text = `<${token.slice(0, 700)}\n${token.slice(700, 1300)}\r\n${token.slice(1300)}>`;
  for (const chunk of [1, 100, 300, 701, 702, 10_000]) expect(mask(token, text, chunk)).toBe('<[hasp:KEY]>');
});

it('what follows the line end is held back only while it may go on', () => {
  const redactor = makeRedactor([{ name: 'KEY', bytes: Buffer.from(VALUE) }]);
  const [first, second] = encode(VALUE, 46, 'base64', 76, '\n').split('\n') as [string, string];
  const push = (text: string): string => Buffer.from(redactor.push(Buffer.from(text))).toString();
  const shown = push(`${first}\n`);
  expect(shown.length).toBeGreaterThan(50);
  expect(`${first}\n`.startsWith(shown)).toBe(true);
  expect(push('no more of it')).toBe(first.slice(shown.length).concat('\nno more of it'));
  expect(push(`\n${first}\n`)).toBe(`\n${shown}`);
  expect(push(`${second}\n`)).toMatch(/^\[hasp:KEY\]/);
});

it('a line end is shown when the stream falls silent, unless four bytes or more before it may begin a value', () => {
  const redactor = makeRedactor([{ name: 'KEY', bytes: Buffer.from(VALUE) }]);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const line = `${'.'.repeat(4)}${'A'.repeat(60)}`;
  expect(text(redactor.push(Buffer.from(`${line}${VALUE.slice(0, 3)}\r\n`)))).toBe(line);
  expect(text(redactor.idle())).toBe(`${VALUE.slice(0, 3)}\r\n`);
  expect(text(redactor.push(Buffer.from(`${VALUE.slice(3)}.`)))).toBe('[hasp:KEY].');
  expect(text(redactor.push(Buffer.from(`${line}${VALUE.slice(0, 4)}\n`)))).toBe(line);
  expect(text(redactor.idle())).toBe('');
  expect(text(redactor.end())).toBe(`${VALUE.slice(0, 4)}\n`);
});

it('a line end behind fewer than sixty digits, or white space without end, breaks nothing', () => {
  const half = VALUE.slice(0, 12);
  const rest = VALUE.slice(12);
  const text = (digits: number, lineEnd: string): string =>
    `${'A'.repeat(digits - half.length)}${half}${lineEnd}${rest}`;
  expect(isFound(VALUE, text(60, '\n'))).toBe(true);
  expect(isFound(VALUE, text(59, '\n'))).toBe(false);
  expect(isFound(VALUE, text(60, `\n${' '.repeat(63)}`))).toBe(true);
  expect(isFound(VALUE, text(60, `\n${' '.repeat(64)}`))).toBe(false);
});

it('what an editor has wrapped before a quote or a backslash is found', () => {
  const digits = VALUE.repeat(3).slice(0, 63);
  for (const rest of ['\\secret99', `"rest>of'it`, '\\\\x', '>n"']) {
    for (const lineEnd of ['\n', '\r\n  ']) {
      expect(isFound(`${digits}${rest}`, `<${digits}${lineEnd}${rest}>`)).toBe(true);
      expect(mask(`${digits}${rest}`, `<${digits}${lineEnd}${rest}>`, 7)).toBe('<[hasp:KEY]>');
    }
  }
  const quoted = `${digits}"${VALUE.repeat(3).slice(5, 80)}`;
  const spelled = JSON.stringify(quoted).slice(1, -1);
  expect(isFound(quoted, `${spelled.slice(0, 130)}\n${spelled.slice(130)}`)).toBe(true);
});

it('lines without end are gone through in linear time', () => {
  const redactor = makeRedactor([
    { name: 'KEY', bytes: Buffer.from('A'.repeat(100_000)) },
    { name: 'B', bytes: Buffer.from(LONG) },
  ]);
  const chunk = Buffer.from(`${'A'.repeat(60)}\n`.repeat(1050));
  const before = process.cpuUsage();
  let output = 0;
  for (let count = 0; count < 32; count += 1) output += redactor.push(Uint8Array.from(chunk)).length;
  output += redactor.end().length;
  expect(output).toBe('[hasp:KEY]'.length + 1);
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(15);
});

const BLOCK = 65_536;
const finder = new WordFinder(
  makeWordFilter({ count: 1, bytes: Buffer.from(VALUE), starts: Int32Array.of(0), lengths: Int32Array.of(20) }),
  MULTIPLIER,
);
const lent = finder.lend(3 * BLOCK) as Uint8Array;
const digits = fc.string({ unit: fc.constantFrom('A', 'z', '0', '9', '+', '/', '-', '_'), maxLength: 200 });
const text = fc
  .array(
    fc.oneof(
      fc.tuple(digits, fc.constantFrom(...WIDTHS), fc.constantFrom(...LINE_ENDS)).map(wrap),
      fc.constantFrom(...LINE_ENDS, '=', 'a.b,c', ' ', 'x'.repeat(60), 'y'.repeat(59)),
      // So that the rest lies about the end of a block.
      fc.integer({ min: BLOCK - 300, max: BLOCK + 50 }).map((length) => '. '.repeat(length / 2)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join('').slice(0, 3 * BLOCK - 64));

function restOf(whole: string, breaks: LineBreaks): string {
  let rest = '';
  let start = 0;
  for (let index = 0; index < breaks.length; index += 2) {
    rest += whole.slice(start, breaks[index]);
    start = breaks[index + 1] as number;
  }
  return rest + whole.slice(start);
}

it('WebAssembly looks for digits where there are vectors, and tells of few places where no line ends', () => {
  const lines = `${VALUE.repeat(3)}\n`.repeat(1_000);
  const places: number[] = [];
  expect(finder.eachDenseEnd(Buffer.from(lines), (place) => places.push(place))).toBe(true);
  expect(places.length).toBeGreaterThanOrEqual(1_000);
  expect(finder.eachDenseEnd(Buffer.from(lines.replaceAll('\n', ' ')), (place) => places.splice(0, 0, place))).toBe(
    true,
  );
  expect(places.length).toBeLessThan(1_010);
});

it('WebAssembly and script find the same line breaks, wherever the text lies and however it is cut', () => {
  fc.assert(
    fc.property(text, fc.nat(40), fc.array(fc.nat(3 * BLOCK), { maxLength: 6 }), (whole, offset, cuts) => {
      const expected = unwrapSlowly(whole).text;
      const own = Buffer.from(whole);
      const place = lent.subarray(offset, offset + own.length);
      place.set(own);
      expect(restOf(whole, lineBreaksIn(own, NOTHING_BEFORE))).toBe(expected);
      expect(restOf(whole, lineBreaksIn(own, NOTHING_BEFORE, finder))).toBe(expected);
      expect(restOf(whole, lineBreaksIn(place, NOTHING_BEFORE, finder))).toBe(expected);
      let [rest, start, before] = ['', 0, NOTHING_BEFORE];
      for (const end of [...cuts.map((cut) => cut % (own.length + 1)).sort((a, b) => a - b), own.length]) {
        const piece = own.subarray(start, end);
        const breaks = lineBreaksIn(piece, before, end % 2 === 0 ? finder : undefined);
        rest += restOf(piece.toString(), breaks);
        before = beforeOf(piece, breaks, before, piece.length);
        start = end;
      }
      expect(rest).toBe(expected);
    }),
    { numRuns: 300 },
  );
});
