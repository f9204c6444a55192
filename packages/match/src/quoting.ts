import { put, putByte, putUnicode } from './put.ts';
import {
  allBut,
  type ByteBits,
  bitsOf,
  byBytes,
  byCharacters,
  codes,
  has,
  LETTERS_AND_DIGITS,
  type Speller,
  type SpellingKind,
  UPPER,
  type Write,
} from './speller.ts';

const BACKSLASH = 0x5c;

function replacing(kind: SpellingKind, replaced: ByteBits, replace: (byte: number) => Uint8Array): Speller {
  const write: Write = (byte, out, at) => (has(replaced, byte) ? put(replace(byte), out, at) : putByte(byte, out, at));
  return byBytes(kind, write, replaced);
}

function quoted(kind: SpellingKind, special: string): Speller {
  return replacing(kind, bitsOf(codes(special)), (byte) => Uint8Array.of(BACKSLASH, byte));
}

/** ASCII but for `kept`. */
function quotedUnless(kind: SpellingKind, kept: string): Speller {
  return replacing(kind, allBut(bitsOf(codes(kept))).fill(0, 4), (byte) => Uint8Array.of(BACKSLASH, byte));
}

/** PowerShell, SQL, YAML and CSV; `$$` of Compose and make; `%%` of systemd and INI files. */
function doubled(character: string): Speller {
  return replacing('shell', bitsOf(codes(character)), (byte) => Uint8Array.of(byte, byte));
}

/** A value of Java's Properties. */
function properties(): Speller {
  const special = bitsOf(codes('\\:=#!'));
  const write: Write = (point, out, at) => {
    if (point >= 0x7f) return putUnicode(point, UPPER, out, at);
    return putByte(point, out, has(special, point) ? putByte(BACKSLASH, out, at) : at);
  };
  return byCharacters('backslash', write, special);
}

export function quotingSpellers(): Speller[] {
  const singleQuote = bitsOf(codes("'"));
  const closedQuote = codes(`'\\''`);
  const doubleQuotedQuote = codes(`'"'"'`);
  return [
    replacing('shell', singleQuote, () => closedQuote),
    replacing('shell', singleQuote, () => doubleQuotedQuote),
    ...["'", '"', '$', '%'].map(doubled),
    quotedUnless('shell', `${LETTERS_AND_DIGITS}@%+=:,./-_`),
    // printf %q of bash
    quoted('shell', ` \t!"$&'()*,;<>?[\\]^\`{|}`),
    quoted('shell', '"$`\\'),
    // Perl's Useqq; SQL of MySQL, addslashes; Markdown
    quoted('backslash', '"$@\\'),
    quoted('backslash', `'"\\`),
    quoted('backslash', '\\*_[]`'),
    // For regular expressions: Perl's quotemeta; Python's re.escape; Go and lodash; PHP with and without a slash; Ruby
    quotedUnless('backslash', `${LETTERS_AND_DIGITS}_`),
    quoted('backslash', '\t\n\v\f\r #$&()*+-.?[\\]^{|}~'),
    quoted('backslash', '$()*+.?[\\]^{|}'),
    quoted('backslash', '!#$()*+-.:<=>?[\\]^{|}'),
    quoted('backslash', '!#$()*+-./:<=>?[\\]^{|}'),
    quoted('backslash', ' #$()*+-.?[\\]^{|}'),
    properties(),
  ];
}
