import { digitsOf, put, putByte, putDecimal, putHex, putUtf8 } from './put.ts';
import { bitsOf, byCharacters, cautious, codes, LOWER, NOT_ASCII, type Speller, UPPER, type Write } from './speller.ts';

type References = Readonly<Record<string, string>>;

const MARKUP = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const REFERENCE = codes('&#');
const HEX_REFERENCE = codes('&#x');
const SEMICOLON = 0x3b;

const putDecimalReference: Write = (point, out, at) =>
  putByte(SEMICOLON, out, putDecimal(point, out, put(REFERENCE, out, at)));

function hexReference(alphabet: Uint8Array): Write {
  return (point, out, at) =>
    putByte(SEMICOLON, out, putHex(point, digitsOf(point, 16), alphabet, out, put(HEX_REFERENCE, out, at)));
}

/** What of ASCII is written by another reference; the rest of ASCII stays. */
const QUOTES: readonly References[] = [
  {},
  { '"': '&quot;' },
  // PHP, Python, lodash; underscore; OWASP's rule; mustache.js; Handlebars; validator.js; Go's templates; ASP.NET
  { '"': '&quot;', "'": '&#39;' },
  { '"': '&quot;', "'": '&#x27;' },
  { '"': '&quot;', "'": '&#039;' },
  { '"': '&quot;', "'": '&apos;' },
  { '"': '&quot;', "'": '&#x27;', '`': '&#x60;' },
  { '"': '&quot;', "'": '&#x27;', '/': '&#x2F;' },
  { '"': '&quot;', "'": '&#39;', '/': '&#x2F;', '`': '&#x60;', '=': '&#x3D;' },
  { '"': '&quot;', "'": '&#x27;', '`': '&#x60;', '=': '&#x3D;' },
  { '"': '&quot;', "'": '&#x27;', '/': '&#x2F;', '\\': '&#x5C;', '`': '&#96;' },
  { '"': '&#34;', "'": '&#39;' },
  { '"': '&#34;', "'": '&#39;', '+': '&#43;' },
  { '"': '&quot;', "'": '&#x27;', '+': '&#x2B;' },
];

/** Of U+00A0 to U+00FF (HTML 4, section 24.2). */
const NAMES =
  `nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute
micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave
Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml
Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth
ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml`.split(/\s/);

function html(references: References): Speller {
  const all = { ...MARKUP, ...references };
  return byCharacters('html', writeBy(all, putUtf8), bitsOf(codes(Object.keys(all).join(''))));
}

/** What is not ASCII in its own way: by a number, as libxml, ElementTree and Python's xmlcharrefreplace have it, or by a name. */
function asciiHtml(references: References, putOther: Write): Speller {
  return byCharacters('html', writeBy(references, putOther), NOT_ASCII);
}

/** What is not ASCII as `putOther` has it. */
function writeBy(references: References, putOther: Write): Write {
  const known = new Map(Object.entries(references).map(([from, to]) => [from.charCodeAt(0), codes(to)]));
  return (point, out, at) => {
    const reference = known.get(point);
    if (reference !== undefined) return put(reference, out, at);
    return point < 0x80 ? putByte(point, out, at) : putOther(point, out, at);
  };
}

/** PHP's htmlentities and Apache Commons; of what is not Latin 1 but the euro sign. */
const putName: Write = (point, out, at) => {
  const name = point === 0x20ac ? 'euro' : NAMES[point - 0xa0];
  return name === undefined ? putUtf8(point, out, at) : put(codes(`&${name};`), out, at);
};

export function htmlSpellers(): Speller[] {
  return [
    ...QUOTES.map(html),
    asciiHtml({}, putDecimalReference),
    asciiHtml(MARKUP, putDecimalReference),
    asciiHtml({ ...MARKUP, '"': '&quot;' }, putDecimalReference),
    asciiHtml({ ...MARKUP, '"': '&quot;', "'": '&#x27;' }, putDecimalReference),
    asciiHtml({ ...MARKUP, '"': '&quot;', "'": '&#39;' }, putDecimalReference),
    asciiHtml(MARKUP, hexReference(UPPER)),
    asciiHtml({ ...MARKUP, '"': '&quot;' }, hexReference(UPPER)),
    asciiHtml({ ...MARKUP, '"': '&quot;', "'": '&#x27;', '+': '&#x2B;' }, hexReference(UPPER)),
    asciiHtml({ ...MARKUP, '"': '&quot;' }, putName),
    asciiHtml({ ...MARKUP, '"': '&quot;', "'": '&#039;' }, putName),
    byCharacters('html', putDecimalReference),
    byCharacters('html', hexReference(LOWER)),
    byCharacters('html', hexReference(UPPER)),
    cautious('html', putDecimalReference),
    cautious('html', hexReference(LOWER)),
    cautious('html', hexReference(UPPER)),
  ];
}
