import { BACKSLASH, lettersFor, put, putByte, putUnicode } from './put.ts';
import {
  allBut,
  type ByteBits,
  bitsOf,
  byBytes,
  byCharacters,
  codes,
  either,
  has,
  LETTERS_AND_DIGITS,
  type Speller,
  type SpellingKind,
  UNPRINTABLE,
  UPPER,
  type Write,
} from './speller.ts';

function replacing(kind: SpellingKind, replaced: ByteBits, replace: (byte: number) => Uint8Array): Speller {
  const write: Write = (byte, out, at) => (has(replaced, byte) ? put(replace(byte), out, at) : putByte(byte, out, at));
  return byBytes(kind, write, replaced);
}

const backslashed = (byte: number): Uint8Array => Uint8Array.of(BACKSLASH, byte);

/** @param controls control characters, in the order of `letters`, which stand for them behind a backslash */
function quoted(kind: SpellingKind, special: string, controls = '', letters = ''): Speller {
  const letterOf = lettersFor(controls, letters);
  return replacing(kind, bitsOf(codes(special + controls)), (byte) => backslashed(letterOf.get(byte) ?? byte));
}

/** All but `kept`. */
function quotedUnless(kind: SpellingKind, kept: string, isAsciiOnly: boolean): Speller {
  const others = allBut(bitsOf(codes(kept)));
  return replacing(kind, isAsciiOnly ? others.fill(0, 4) : others, backslashed);
}

/** PowerShell, SQL, YAML and CSV; `$$` of Compose and make; `%%` of systemd and INI files. */
function doubled(character: string): Speller {
  return replacing('shell', bitsOf(codes(character)), (byte) => Uint8Array.of(byte, byte));
}

/** A value of Java's Properties, as its `store` writes it. */
function properties(): Speller {
  const special = '\t\n\f\r\\:=#!';
  const letterOf = lettersFor(special, 'tnfr\\:=#!');
  const write: Write = (point, out, at) => {
    const letter = letterOf.get(point);
    if (letter !== undefined) return putByte(letter, out, putByte(BACKSLASH, out, at));
    return point < 0x20 || point > 0x7e ? putUnicode(point, UPPER, out, at) : putByte(point, out, at);
  };
  return byCharacters('backslash', write, either(bitsOf(codes(special)), UNPRINTABLE));
}

export function quotingSpellers(): Speller[] {
  const singleQuote = bitsOf(codes("'"));
  const closedQuote = codes(`'\\''`);
  const doubleQuotedQuote = codes(`'"'"'`);
  return [
    replacing('shell', singleQuote, () => closedQuote),
    replacing('shell', singleQuote, () => doubleQuotedQuote),
    ...["'", '"', '$', '%'].map(doubled),
    quotedUnless('shell', `${LETTERS_AND_DIGITS}@%+=:,./-_`, true),
    // printf %q of bash
    quoted('shell', ` \t!"$&'()*,;<>?[\\]^\`{|}`),
    quoted('shell', '"$`\\'),
    // Perl's Useqq; addslashes, SQL of MySQL; Markdown
    quoted('backslash', '"$@\\', '\n\r\t\f\b\x07\x1b', 'nrtfbae'),
    quoted('backslash', `'"\\`, '\0', '0'),
    quoted('backslash', `'"\\`, '\0\n\r\x1a', '0nrZ'),
    quoted('backslash', '\\*_[]`'),
    // For regular expressions: Perl's quotemeta; Python's re.escape; Go and lodash; PHP with and without a slash; Ruby
    quotedUnless('backslash', `${LETTERS_AND_DIGITS}_`, true),
    quotedUnless('backslash', `${LETTERS_AND_DIGITS}_`, false),
    quoted('backslash', '\t\n\v\f\r #$&()*+-.?[\\]^{|}~'),
    quoted('backslash', '$()*+.?[\\]^{|}'),
    quoted('backslash', '!#$()*+-.:<=>?[\\]^{|}'),
    quoted('backslash', '!#$()*+-./:<=>?[\\]^{|}'),
    quoted('backslash', ' #$()*+-.?[\\]^{|}', '\n\r\t\f\v', 'nrtfv'),
    properties(),
  ];
}
