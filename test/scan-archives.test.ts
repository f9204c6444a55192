import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';
import { scanIn } from './support/scan.ts';

const VALUE = 'correct-horse-battery-staple';
const LEAK = `first line\n  key = ${VALUE}\n`;
const PADDED = LEAK + 'nothing to see here, and so on. '.repeat(400);

let made: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  made = await Sandbox.withSecrets({ 'db/url': VALUE });
});
afterAll(() => made.remove());
beforeEach(() => {
  box = made.clone();
  return () => box.remove();
});

const run = (command: string, ...argv: string[]): Buffer =>
  execFileSync(command, argv, { cwd: box.cwd, stdio: 'pipe' });
const read = (name: string): Buffer => readFileSync(path.join(box.cwd, name));

describe('hasp scan', () => {
  it('finds a value in its usual encodings, in files, names and archives', async () => {
    const bytes = Buffer.from(VALUE);
    box.write('a', Buffer.from(`user:${VALUE}`).toString('base64'));
    box.write('b', bytes.toString('hex'));
    box.write('c', Buffer.from(VALUE, 'utf16le'));
    box.write('d.gz', gzipSync(`x${bytes.toString('base64')}`));
    box.write(`e-${bytes.toString('hex')}`, '');
    const { findings } = await scanIn(box, []);
    expect(findings.map(({ path: shown, spelling }) => `${shown} ${spelling}`)).toEqual([
      'a base64',
      'b hex',
      'c utf-16le',
      'd.gz!/(unpacked) base64',
      'e-[hasp:db/url] hex',
    ]);
  });

  it('says of what is packed in stdin that it was found there', async () => {
    const { stdout } = await box.run(['scan', '--stdin'], { stdin: gzipSync(LEAK) });
    expect(stdout.toString()).toBe('stdin!/(unpacked):2:9: db/url (raw)\n');
  });

  it('looks into what tar, zip and gzip make of it, one in the other', async () => {
    box.write('secret.txt', PADDED);
    run('zip', '-q', 'a.zip', 'secret.txt');
    run('tar', '-cf', 'b.tar', 'a.zip');
    run('tar', '-czf', 'c.tgz', 'secret.txt');
    run('tar', '-cf', 'd.tar', 'c.tgz');
    run('rm', 'secret.txt');
    const { findings, skipped } = await scanIn(box, []);
    expect(findings.map(({ path: shown }) => shown)).toEqual([
      'a.zip!/secret.txt',
      'b.tar!/a.zip!/secret.txt',
      'c.tgz!/(unpacked)',
      'd.tar!/c.tgz!/(unpacked)',
    ]);
    expect(skipped).toEqual([]);
  });

  it('looks into a zip that a program stands before', async () => {
    box.write('secret.txt', PADDED);
    run('zip', '-q', 'a.zip', 'secret.txt');
    run('rm', 'secret.txt');
    box.write('app.pyz', Buffer.concat([Buffer.from('#!/usr/bin/env python3\n'), read('a.zip')]));
    run('rm', 'a.zip');
    expect(await scanIn(box, [])).toMatchObject({ findings: [{ path: 'app.pyz!/secret.txt', line: 2 }], skipped: [] });
  });

  it('says of programs that hold no zip nothing', async () => {
    expect(await scanIn(box, [process.execPath])).toMatchObject({ status: 0, skipped: [] });
  });
});
