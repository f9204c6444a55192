import { expect, it } from 'vitest';
import { allSpellings } from './spellings.fixture.ts';

const spell = (value: string): string[] =>
  allSpellings(Buffer.from(value)).map((each) => Buffer.from(each).toString('latin1'));
const latin1 = (value: string): string => Buffer.from(value).toString('latin1');

it('a value of under seven bytes has no spelling to look for', () => {
  expect(spell('sixsix')).toEqual([]);
  expect(spell('sixsix\n')).toEqual([]);
  expect(spell('seven77')).toContain('seven77');
});

it('a final newline is not needed to be found', () => {
  expect(spell('hunter2hunter2\r\n')[0]).toBe('hunter2hunter2');
});

it('a multi-line value is also known by each line of sixteen bytes or more, but for armour', () => {
  const spellings = spell('-----BEGIN X-----\r\n0123456789abcdef\r\nshort\r\n-----END X-----\n');
  expect(spellings[0]).toBe('-----BEGIN X-----\r\n0123456789abcdef\r\nshort\r\n-----END X-----');
  expect(spellings[1]).toBe('-----BEGIN X-----\n0123456789abcdef\nshort\n-----END X-----');
  expect(spellings).toContain('0123456789abcdef');
  expect(spellings).not.toContain('short');
  expect(spellings).not.toContain('-----BEGIN X-----');
});

const VALUE = `p@ss "w0rd"/é<x>&'$`;

it.each<[what: string, spelling: string | Buffer]>([
  ['base64', Buffer.from(VALUE).toString('base64')],
  ['base64url', Buffer.from(VALUE).toString('base64url')],
  ['hex', Buffer.from(VALUE).toString('hex')],
  ['hex in capitals', Buffer.from(VALUE).toString('hex').toUpperCase()],
  ['encodeURIComponent', encodeURIComponent(VALUE)],
  ['encodeURI', encodeURI(VALUE)],
  ['a form', new URLSearchParams({ v: VALUE }).toString().slice(2)],
  ['every byte in percent', [...Buffer.from(VALUE)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
  ['percent of percent', encodeURIComponent(encodeURIComponent(VALUE))],
  ['JSON', JSON.stringify(VALUE).slice(1, -1)],
  ['JSON in JSON', JSON.stringify(JSON.stringify(VALUE)).slice(3, -3)],
  ['JSON of PHP', JSON.stringify(VALUE).slice(1, -1).replaceAll('/', '\\/').replace('é', '\\u00e9')],
  [
    'JSON of Go',
    JSON.stringify(VALUE).slice(1, -1).replace('<', '\\u003c').replace('>', '\\u003e').replace('&', '\\u0026'),
  ],
  [
    'every character as \\u',
    [...VALUE].map((one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`).join(''),
  ],
  ['every byte as \\x', [...Buffer.from(VALUE)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')],
  ['HTML', 'p@ss &quot;w0rd&quot;/é&lt;x&gt;&amp;&#39;$'],
  ['HTML text', 'p@ss "w0rd"/é&lt;x&gt;&amp;\'$'],
  ['HTML in decimals', [...VALUE].map((one) => `&#${one.codePointAt(0)};`).join('')],
  ['base32', 'OBAHG4ZAEJ3TA4TEEIX4HKJ4PA7CMJZE'],
  ['UTF-16 little endian', Buffer.from(VALUE, 'utf16le')],
  ['UTF-16 big endian', Buffer.from(VALUE, 'utf16le').swap16()],
  ['shell, in single quotes', VALUE.replace("'", `'\\''`)],
  ['shell, in double quotes', VALUE.replace(/["$`\\]/g, '\\$&')],
])('a value is known as %s', (_, spelling) => {
  expect(spell(VALUE)).toContain(typeof spelling === 'string' ? latin1(spelling) : spelling.toString('latin1'));
});

it.each([0, 1, 2, 3, 4, 5])('base64 with %i bytes in front holds one of the spellings', (before) => {
  for (const value of ['seven77', 'eight888', 'nine99999', VALUE]) {
    const whole = Buffer.from(`${'u'.repeat(before)}${value}:tail`).toString('base64');
    expect(spell(value).some((spelling) => whole.includes(spelling))).toBe(true);
    const url = Buffer.from(`${'u'.repeat(before)}${value}:tail`).toString('base64url');
    expect(spell(value).some((spelling) => url.includes(spelling))).toBe(true);
  }
});

it.each([64, 76])('base64 in lines of %i is known line by line', (width) => {
  const value = Array.from({ length: 200 }, (_, at) => String.fromCharCode(33 + ((at * 7) % 90))).join('');
  const lines =
    Buffer.from(value)
      .toString('base64')
      .match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
  const spellings = spell(value);
  for (const line of lines.filter(({ length }) => length >= 20)) expect(spellings).toContain(line);
});

it('characters beyond the first plane are known as two escapes', () => {
  expect(spell('smile😀smile')).toContain('smile\\ud83d\\ude00smile');
  expect(spell('smile😀smile')).toContain('smile\\\\ud83d\\\\ude00smile');
});

it.each([
  ['percent', (code: number) => `%${code.toString(16)}`],
  ['percent, upper case', (code: number) => `%${code.toString(16).toUpperCase()}`],
  ['JavaScript', (code: number) => `\\u00${code.toString(16)}`],
  ['JavaScript, by bytes', (code: number) => `\\x${code.toString(16)}`],
  ['HTML, by decimals', (code: number) => `&#${code};`],
  ['HTML, by hex', (code: number) => `&#x${code.toString(16)};`],
])('an encoder that leaves but letters and digits is known: %s', (_, write) => {
  const value = 's3cr3t-TOKEN_a.b~c/d+e=';
  expect(spell(value)).toContain(value.replace(/[^A-Za-z0-9]/g, (character) => write(character.charCodeAt(0))));
});

it('what is no text is spelled by bytes', () => {
  const value = Buffer.from([0xff, 0xfe, 0, 1, 2, 3, 4, 5]);
  const spellings = allSpellings(value).map((each) => Buffer.from(each).toString('latin1'));
  expect(spellings).toContain('fffe000102030405');
  expect(spellings).toContain(value.toString('base64'));
  expect(spellings).toContain('\\xff\\xfe\\x00\\x01\\x02\\x03\\x04\\x05');
});

it('a key within JSON is known line by line, so it is masked too where the JSON was read', () => {
  const lines = ['MIIEvgIBADANBgkqhkiG9w0BAQ', 'NyretR1fNWWKUxq01al357OQ', 'short=='];
  const key = `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
  const spellings = spell(JSON.stringify({ type: 'service_account', private_key: key }));
  expect(spellings).toContain(lines[0]);
  expect(spellings).toContain(lines[1]);
  expect(spellings).not.toContain(lines[2]);
});

it('hex of xxd and base32 are known line by line where they do not fit on one', () => {
  const value = Array.from({ length: 95 }, (_, at) => String.fromCharCode(33 + ((at * 7) % 90))).join('');
  const spellings = spell(value);
  const hex = Buffer.from(value).toString('hex');
  for (const line of hex.match(/.{60}/g) ?? []) {
    expect(spellings).toContain(line);
    expect(spellings).toContain(line.toUpperCase());
  }
  const base32 = spellings.find((each) => /^[A-Z2-7]{152}$/.test(each)) ?? '';
  expect(spellings.filter((each) => base32.includes(each) && each.length === 76)).toHaveLength(2);
});

it.each<[what: string, value: string, spelling: string]>([
  ['repr of both quotes', `a'b"c\\12345`, `a\\'b"c\\\\12345`],
  ['ascii()', 'pÀss-é€🔑12', 'p\\xc0ss-\\xe9\\u20ac\\U0001f51112'],
  ['YAML', 'pÀss-é€🔑12', 'p\\xC0ss-\\xE9\\u20AC\\U0001F51112'],
  ['XML in ASCII, by decimals', 'pÀss<é12', 'p&#192;ss&lt;&#233;12'],
  ['XML in ASCII, by hex', 'pÀss<é12', 'p&#xC0;ss&lt;&#xE9;12'],
  ['percent of percent with slashes', 'a/b+c=12', 'a/b%252Bc%253D12'],
  ['a path of a URL', 'u:p%4@h/x?a={b}', 'u:p%4@h/x%3Fa=%7Bb%7D'],
  ['Gson', `a=b<c>&'d/é12`, 'a\\u003db\\u003cc\\u003e\\u0026\\u0027d/é12'],
  ['Jinja', `a=b<c>&'d"12`, 'a=b\\u003cc\\u003e\\u0026\\u0027d\\"12'],
  ['System.Text.Json', 'k+/"é`\\12', 'k\\u002B/\\u0022\\u00E9\\u0060\\\\12'],
  ['JSON_HEX_* of PHP', `a/<'">&12`, 'a\\/\\u003C\\u0027\\u0022\\u003E\\u002612'],
  ['escapejs of Django', `a-b='c'\\;\n12`, 'a\\u002Db\\u003D\\u0027c\\u0027\\u005C\\u003B\\u000A12'],
  ['a script in a template of Go', `a+b/c'd-12`, 'a\\u002bb\\/c\\u0027d-12'],
  ['a template of Go', `a+b/c'd"12`, 'a&#43;b/c&#39;d&#34;12'],
  ['mustache.js', `a/b=c'd\`12`, 'a&#x2F;b&#x3D;c&#39;d&#x60;12'],
  ['Handlebars', `a/b=c'd\`12`, 'a/b&#x3D;c&#x27;d&#x60;12'],
  ['ASP.NET', `a+b'é/12`, 'a&#x2B;b&#x27;&#xE9;/12'],
  ['htmlentities', `pÀss<é€'12`, 'p&Agrave;ss&lt;&eacute;&euro;&#039;12'],
  ['printf %q', `a,b#c~d e=f!12`, 'a\\,b#c~d\\ e=f\\!12'],
  ['quotemeta', 'a_b-c/d=12', 'a_b\\-c\\/d\\=12'],
  ['re.escape', 'a_b-c/d=e.12', 'a_b\\-c/d=e\\.12'],
  ['regexp.QuoteMeta', 'a_b-c/d=e.12$', 'a_b-c/d=e\\.12\\$'],
  ['preg_quote', 'a:b-c/d=e.12', 'a\\:b\\-c/d\\=e\\.12'],
  ['Regexp.escape of Ruby', 'a:b-c/d e.12', 'a:b\\-c/d\\ e\\.12'],
  ['Jinja, in ASCII', `é<b>'"&12/3`, '\\u00e9\\u003cb\\u003e\\u0027\\"\\u002612/3'],
  ['json_script of Django', `pÀss‹é€'<12`, `p\\u00c0ss\\u2039\\u00e9\\u20ac'\\u003C12`],
  ['JSON_HEX_* of PHP, in ASCII', 'é<ab>12345', '\\u00e9\\u003Cab\\u003E12345'],
  ['WebUtility of .NET', `é'12345<`, '&#233;&#39;12345&lt;'],
  ['Properties of Java, of what is not ASCII', `pà'ss1234`, `p\\u00E0'ss1234`],
  ['Properties of Java, of lines', 'tab\tab=c\nd\x0112', 'tab\\tab\\=c\\nd\\u000112'],
  ['Useqq of Perl, of lines', 'u:p$x@host12\nnext', 'u:p\\$x\\@host12\\nnext'],
  ['Regexp.escape of Ruby, of lines', 'a.b\n12345', 'a\\.b\\n12345'],
  ['SQL of MySQL', `it's\n12\x00345`, `it\\'s\\n12\\0345`],
  ['Properties of Java', 'db://u:p=é#!12', 'db\\://u\\:p\\=\\u00E9\\#\\!12'],
  ['addslashes', `it's "12345"`, `it\\'s \\"12345\\"`],
  ['Useqq of Perl', 'u:p$x@host12', 'u:p\\$x\\@host12'],
  ['Markdown', 'ghp_abc_12*[x]', 'ghp\\_abc\\_12\\*\\[x\\]'],
  ['a Compose file', 'pa$$w0rd$1', 'pa$$$$w0rd$$1'],
  ['a unit of systemd', 'pa%w0rd%1', 'pa%%w0rd%%1'],
  ['quotes twice, in SQL', `it's 12345`, `it''s 12345`],
  ['quotes twice, in CSV', `it"s 12345`, `it""s 12345`],
])('a value is known as %s writes it', (_, value, spelling) => {
  expect(spell(value)).toContain(latin1(spelling));
});

it('quotemeta of bytes escapes what is not ASCII, too', () => {
  expect(spell(`pà'ss1234`)).toContain(latin1('pà').replace(/[^p]/g, '\\$&').concat(`\\'ss1234`));
});
