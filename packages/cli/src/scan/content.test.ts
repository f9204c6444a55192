import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeFinder, makeMatcher } from '@hasp/match';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContentReport, MAX_UNPACKED_BYTES, scanContent } from './content.ts';
import { zip } from './zip.fixture.ts';

const VALUE = 'correct-horse-battery-staple';
const OTHER = 'another-value-of-the-vault';
const matcher = makeMatcher([
  { name: 'one', bytes: Buffer.from(VALUE) },
  { name: 'two', bytes: Buffer.from(OTHER) },
]);

/** In pieces that are overwritten as soon as they may be. */
function scan(blob: Uint8Array, size = blob.length): ContentReport {
  const content = scanContent(makeFinder(matcher));
  let before: Buffer | undefined;
  for (let at = 0; at < blob.length; at += size) {
    before?.fill(0x55);
    before = Buffer.from(blob.subarray(at, at + size));
    content.feed(before);
  }
  return content.end();
}

const text = (value: string): Buffer => Buffer.from(`first line\nkey = ${value}\n`);
const FOUND = { secret: 'one', spelling: 'raw', offset: 17, line: 2, column: 7 };

describe('a plain blob', () => {
  it('tells where a value is: the offset, the line, the column in bytes', () => {
    expect(scan(text(VALUE))).toEqual({ findings: [FOUND], skipped: [] });
  });

  it('finds a value wherever the pieces are cut', () => {
    const blob = Buffer.concat([Buffer.alloc(99, '.'), text(VALUE), Buffer.alloc(99, '.')]);
    for (let size = 1; size < blob.length; size += 1) {
      expect(scan(blob, size).findings).toMatchObject([{ secret: 'one', offset: 116 }]);
    }
  });

  it('tells of two values in one blob', () => {
    expect(scan(text(`${OTHER} ${VALUE}`)).findings.map(({ secret }) => secret)).toEqual(['two', 'one']);
  });

  it('is clean where nothing is in it', () => {
    for (const blob of ['', 'P', 'PK', '\x1f', '\x1f\x8b', 'BZh', 'BZhello', 'words']) {
      expect(scan(Buffer.from(blob, 'latin1'))).toEqual({ findings: [], skipped: [] });
    }
  });
});

describe('a gzip', () => {
  it('is looked into, however it is cut', () => {
    const blob = gzipSync(text(VALUE));
    for (let size = 1; size <= blob.length; size += 1) {
      expect(scan(blob, size)).toEqual({ findings: [{ ...FOUND, inside: '(unpacked)' }], skipped: [] });
    }
  });

  it.each([0, 1, 512, 70_000])('is one stream over all its members, with %i zeros between them', (zeros) => {
    const whole = text(VALUE);
    const blob = Buffer.concat([gzipSync(whole.subarray(0, 25)), Buffer.alloc(zeros), gzipSync(whole.subarray(25))]);
    expect(scan(blob).findings).toMatchObject([{ secret: 'one', offset: 17 }]);
  });

  it('shows the name in its header', () => {
    const plain = gzipSync(Buffer.from('nothing'));
    const named = Buffer.concat([plain.subarray(0, 10), Buffer.from(`${VALUE}\0`), plain.subarray(10)]);
    named[3] = 8;
    expect(scan(named)).toMatchObject({ findings: [{ secret: 'one', offset: 10 }], skipped: [] });
    const packed = Buffer.concat([
      plain.subarray(0, 10),
      Buffer.from('\x02\0xx'),
      Buffer.from('a\0b\0'),
      gzipSync(text(VALUE)).subarray(10),
    ]);
    packed[3] = 4 | 8 | 16;
    expect(scan(packed)).toMatchObject({ findings: [{ secret: 'one', inside: '(unpacked)' }], skipped: [] });
  });

  it('that is cut short is scanned as far as it goes, and never passed as clean', () => {
    const noise = Buffer.from(randomBytes(9_000).toString('hex'));
    const blob = gzipSync(Buffer.concat([text(VALUE), noise]));
    for (const cut of [blob.length - 1, blob.length - 9, blob.length - 400]) {
      expect(scan(blob.subarray(0, cut))).toMatchObject({
        findings: [{ secret: 'one' }],
        skipped: [{ why: 'is a gzip that is cut short' }],
      });
    }
    for (const cut of [3, 9, 10, 11]) {
      expect(scan(blob.subarray(0, cut)).skipped).toEqual([{ why: 'is a gzip that is cut short', count: 1 }]);
    }
  });

  it('that is damaged is never passed as clean', () => {
    const blob = gzipSync(Buffer.concat([text(VALUE), readFileSync(process.execPath).subarray(0, 99_000)]));
    blob.fill(0xff, 20_000, 20_100);
    expect(scan(blob)).toMatchObject({ findings: [{ secret: 'one' }], skipped: [{ why: 'is a damaged gzip' }] });
  });

  it('that unpacks to more than the bound is said to be looked into only in part', () => {
    const behind = gzipSync(Buffer.concat([Buffer.alloc(MAX_UNPACKED_BYTES + 200_000), text(VALUE)]));
    expect(scan(behind, 65_536)).toEqual({
      findings: [],
      skipped: [{ why: 'holds more than 64 MiB: the rest was not looked into', count: 1 }],
    });
    const within = gzipSync(Buffer.concat([Buffer.alloc(MAX_UNPACKED_BYTES - 200_000), text(VALUE)]));
    expect(scan(within, 65_536)).toMatchObject({ findings: [{ secret: 'one' }], skipped: [] });
  });
});

describe('a zip', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'hasp-zip-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function zipped(...options: string[]): Buffer {
    writeFileSync(path.join(folder, 'a.txt'), Buffer.concat([text(VALUE), Buffer.alloc(9_000)]));
    rmSync(path.join(folder, 'out.zip'), { force: true });
    execFileSync('zip', ['-q', ...options, 'out.zip', 'a.txt'], { cwd: folder });
    return readFileSync(path.join(folder, 'out.zip'));
  }

  it('as zip(1) writes it, packed, stored, with zip64 and with sizes behind the data, is looked into', () => {
    for (const options of [[], ['-9'], ['-fz'], ['-fd'], ['-fz', '-fd']]) {
      for (const size of [7, 100_000]) {
        expect([options, scan(zipped(...options), size)]).toEqual([
          options,
          { findings: [{ ...FOUND, inside: 'a.txt' }], skipped: [] },
        ]);
      }
    }
    expect(scan(zipped('-0'))).toMatchObject({ findings: [{ secret: 'one' }], skipped: [] });
  });

  it('shows the names of its entries', () => {
    expect(scan(zip([{ name: VALUE, data: Buffer.from('x') }]))).toMatchObject({
      findings: [{ secret: 'one', offset: 30 }],
    });
  });

  it('with what can not be looked into is never passed as clean', () => {
    expect(scan(zipped('-P', 'password')).skipped).toEqual([{ why: 'is encrypted', inside: 'a.txt', count: 1 }]);
    const strange = zip([
      { name: 'a', data: text(VALUE), method: 93 },
      { name: 'b', data: text(VALUE), method: 77 },
      { name: 'c', data: text(VALUE), method: 77 },
      { name: 'd', data: text(VALUE) },
    ]);
    expect(scan(strange)).toMatchObject({
      findings: [{ secret: 'one' }, { secret: 'one', inside: 'd' }],
      skipped: [
        { why: 'is packed with Zstandard, which hasp can’t look into', inside: 'a', count: 1 },
        { why: 'is packed with method 77, which hasp can’t look into', inside: 'b', count: 2 },
      ],
    });
  });

  it('goes on behind an entry that is damaged or tells no length', () => {
    const damaged = zip([
      { name: 'a', data: text(VALUE), packed: Buffer.alloc(40, 0xff) },
      { name: 'b', data: text(VALUE), flags: 9 },
      { name: 'c', data: text(VALUE), flags: 8, method: 0 },
      { name: 'd', data: text(VALUE), flags: 8 },
    ]);
    expect(scan(damaged)).toMatchObject({
      findings: [{ secret: 'one' }, { secret: 'one', inside: 'd' }],
      skipped: [
        { why: 'is damaged or cut short', inside: 'a' },
        { why: 'is encrypted', inside: 'b' },
        { why: 'is stored without its length', inside: 'c' },
      ],
    });
  });

  it('that is cut short is never passed as clean', () => {
    const blob = zip([
      { name: 'a', data: text(VALUE) },
      { name: 'b', data: text(OTHER) },
    ]);
    for (let cut = 4; cut < blob.length - 18; cut += 1)
      expect([cut, scan(blob.subarray(0, cut)).skipped.length > 0]).toEqual([cut, true]);
    expect(scan(blob).skipped).toEqual([]);
  });

  it('that lists an entry which is not there is never passed as clean', () => {
    const blob = zip([
      { name: 'a', data: text(VALUE) },
      { name: 'b', data: text(OTHER) },
    ]);
    blob[blob.indexOf('PK\x03\x04', 10)] = 0;
    expect(scan(blob).skipped).toEqual([{ why: 'is a zip that lists more than could be found in it', count: 1 }]);
  });

  it('of many zips that are one behind the other is looked into', () => {
    const blob = Buffer.concat([zip([{ name: 'a', data: text('nothing') }]), zip([{ name: 'b', data: text(VALUE) }])]);
    expect(scan(blob)).toMatchObject({ findings: [{ secret: 'one', inside: 'b' }], skipped: [] });
  });
});

describe('an archive in an archive', () => {
  const inner = zip([{ name: 'a.txt', data: text(VALUE) }]);

  it('is looked into, packed or stored', () => {
    expect(scan(gzipSync(inner))).toMatchObject({ findings: [{ secret: 'one', inside: 'a.txt' }], skipped: [] });
    for (const method of [0, 8]) {
      const outer = zip([{ name: 'lib.jar', data: inner, method }]);
      expect(scan(outer, 50)).toMatchObject({
        findings: [{ secret: 'one', inside: 'lib.jar!/a.txt', line: 2 }],
        skipped: [],
      });
    }
  });

  it('in an archive is not, and that is said', () => {
    const deep = zip([{ name: 'outer', data: zip([{ name: 'lib.jar', data: inner }]) }]);
    expect(scan(deep)).toEqual({
      findings: [],
      skipped: [{ why: 'is an archive in an archive in an archive', inside: 'outer!/lib.jar', count: 1 }],
    });
  });

  it('counts for the bound of the whole', () => {
    const bomb = gzipSync(Buffer.alloc(MAX_UNPACKED_BYTES / 4));
    const parts = Array.from({ length: 8 }, (_, at) => ({ name: `${at}.gz`, data: bomb, method: 0 }));
    expect(scan(zip(parts)).skipped).toMatchObject([{ why: 'holds more than 64 MiB: the rest was not looked into' }]);
  });
});

it('says what it can not look into', () => {
  for (const [tool, name] of [
    ['xz', 'xz'],
    ['bzip2', 'bzip2'],
    ['zstd', 'Zstandard'],
  ] as const) {
    const blob = execFileSync(tool, ['-c'], { input: text(VALUE) });
    expect(scan(blob, 3).skipped).toEqual([
      { why: `is compressed with ${name}, which hasp can’t look into`, count: 1 },
    ]);
  }
});

it('knows what stands for a large file', () => {
  const oid = 'ab'.repeat(32);
  const pointer = Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12345\n`);
  for (const size of [1, 50, 1_000]) expect(scan(pointer, size).largeFile).toEqual({ oid, size: 12345 });
  expect(scan(Buffer.concat([pointer, Buffer.alloc(1_000, 'x')])).largeFile).toBeUndefined();
  expect(scan(Buffer.from('version https://git-lfs.github.com/spec/v1\n')).largeFile).toBeUndefined();
});
