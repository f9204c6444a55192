import { makeFinder, makeMatcher } from '@hasp/match';
import { expect, it } from 'vitest';
import { scanContent } from './content.ts';
import { zip } from './zip.fixture.ts';

const VALUE = Buffer.from('correct-horse-battery-staple');
const matcher = makeMatcher([{ name: 'one', bytes: VALUE }]);
const packed = zip([{ name: 'a', data: VALUE }]);

it.each(['', 'P', 'PK', 'PPK', 'PK\x03', 'PKPK\x03', 'K', 'PxK'])(
  'a zip behind a program and %j is looked into, however it is cut',
  (before) => {
    const blob = Buffer.concat([Buffer.from('\x7fELF and more of it, P K', 'latin1'), Buffer.from(before), packed]);
    for (let size = 1; size <= blob.length; size += 1) {
      const content = scanContent(makeFinder(matcher));
      for (let at = 0; at < blob.length; at += size) content.feed(blob.subarray(at, at + size));
      expect([size, content.end()]).toMatchObject([size, { findings: [{ secret: 'one', inside: 'a' }], skipped: [] }]);
    }
  },
);
