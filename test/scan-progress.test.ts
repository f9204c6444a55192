import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Shell } from './support/pty.ts';
import { Repository } from './support/repository.ts';
import { Sandbox } from './support/sandbox.ts';

const FILES = 600;
const OK = /ok: no managed value[^\r]*\r\n/;
/** The line is drawn over itself, and gone before anything else is said. */
const ERASED = /^(?:\r\x1b\[K[^\r]*)+\r\x1b\[K$/;

let box: Sandbox;
let shell: Shell;
beforeEach(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'correct-horse-battery' });
  shell = await Shell.open(box);
});
afterEach(async () => {
  await shell.close();
  box.remove();
});

/** What the terminal showed from the line that was typed to the answer. */
async function shownBy(line: string): Promise<string> {
  await shell.enter(line);
  const { before } = await shell.shows(OK);
  await shell.prompt();
  return before;
}

describe('a scan that takes its time', () => {
  it('of files tells on a terminal how far it is, and leaves nothing of that', async () => {
    // Each is unpacked to the bound.
    const packed = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    for (let at = 0; at < 12; at += 1) box.write(`packed/${at}.gz`, packed);
    for (let at = 0; at < FILES; at += 1) box.write(`small/${at}`, 'a\n');
    const shown = await shownBy('"$HASP" scan packed small');
    expect(shown).toMatch(/scanned \d+ files/);
    expect(shown).toMatch(ERASED);
    await shownBy('"$HASP" scan packed small 2>said');
    expect(readFileSync(path.join(box.cwd, 'said'), 'utf8')).toBe('');
  });

  it('of a history does so too, where git is slow', async () => {
    const repository = new Repository(box, 'repository');
    repository.commit(Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`f${at}`, `content ${at}\n`])));
    const slow = '#!/bin/sh\ncase "$*" in *--batch=*) sleep 1.2;; esac\nPATH=${PATH#*:} exec git "$@"\n';
    box.write('slow/git', slow, 0o755);
    const shown = await shownBy(`cd repository && PATH="${path.join(box.cwd, 'slow')}:$PATH" "$HASP" scan --history`);
    expect(shown).toMatch(/scanned \d+ objects/);
    expect(shown).toMatch(ERASED);
    expect(await shownBy('"$HASP" scan --history')).toBe('');
  });
});
