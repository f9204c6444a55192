import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeFinder, makeMatcher } from '@hasp/match';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContentReport, scanContent } from './content.ts';

const VALUE = 'correct-horse-battery-staple';
const matcher = makeMatcher([{ name: 'one', bytes: Buffer.from(VALUE) }]);

/** What was found and skipped, but for the lines, which only a blob in one piece has. */
function scan(blob: Uint8Array, cuts: readonly number[] = []): ContentReport {
  const content = scanContent(makeFinder(matcher));
  let from = 0;
  for (const end of [...cuts.map((cut) => cut % (blob.length + 1)).sort((a, b) => a - b), blob.length]) {
    content.feed(Buffer.from(blob.subarray(from, end)));
    from = end;
  }
  const { findings, ...others } = content.end();
  return { findings: findings.map(({ line, column, ...found }) => found), ...others };
}

let folder: string;
const archives: Record<string, Buffer> = {};
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hasp-unpack-'));
  const run = (command: string, ...argv: string[]): void => void execFileSync(command, argv, { cwd: folder });
  const read = (name: string): Buffer => readFileSync(path.join(folder, name));
  const long = 'n'.repeat(140);
  for (const name of ['a', long]) writeFileSync(path.join(folder, name), `${'words and '.repeat(300)}${VALUE}`);
  writeFileSync(path.join(folder, 'a.gz'), gzipSync(read('a')));
  run('zip', '-q', 'a.zip', 'a', long);
  run('zip', '-q', '-fd', 'b.zip', 'a.gz', 'a.zip');
  for (const format of ['gnu', 'pax', 'ustar'])
    run('tar', '-cf', `${format}.tar`, `--format=${format}`, 'a.gz', 'a.zip');
  archives['gzip'] = read('a.gz');
  archives['zip'] = read('a.zip');
  archives['zip in zip'] = read('b.zip');
  archives['gnu tar'] = read('gnu.tar');
  archives['pax tar'] = read('pax.tar');
  archives['ustar'] = read('ustar.tar');
  archives['tar in gzip'] = gzipSync(read('gnu.tar'));
  archives['zip behind a script'] = Buffer.concat([Buffer.from('#!/bin/sh\nexec PK PPK\x03\n'), read('a.zip')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const KINDS = ['gzip', 'zip', 'zip in zip', 'gnu tar', 'pax tar', 'ustar', 'tar in gzip', 'zip behind a script'];

describe.each(KINDS)('%s', (kind) => {
  const blob = (): Buffer => archives[kind] as Buffer;

  it('is looked into', () => {
    const { findings, skipped } = scan(blob());
    expect(findings.filter(({ inside }) => inside !== undefined)).toMatchObject([{ secret: 'one' }]);
    expect(skipped).toEqual([]);
  });

  it('gives the same however it is cut', () => {
    const whole = scan(blob());
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (cuts) => {
        expect(scan(blob(), cuts)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
    expect(
      scan(
        blob(),
        Array.from(blob(), (_, at) => at),
      ),
    ).toEqual(whole);
  });

  it('is no fault whatever is done to it, and what is cut off is said or was not needed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
        const bent = Buffer.from(blob());
        for (const [at, byte] of changes) bent[at % bent.length] = byte;
        scan(bent);
      }),
      { numRuns: 300 },
    );
    for (let cut = 0; cut < blob().length; cut += 1 + Math.floor(blob().length / 300)) {
      const { findings, skipped } = scan(blob().subarray(0, cut));
      expect(findings.length + skipped.length).toBeLessThan(9);
    }
  });
});
