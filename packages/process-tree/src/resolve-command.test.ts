import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveCommand } from './resolve-command.ts';

describe('a command', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'hasp-command-'));
    for (const name of ['one', 'two', 'one/folder']) mkdirSync(path.join(folder, name));
    const file = (name: string, mode: number): void => {
      writeFileSync(path.join(folder, name), '#!/bin/sh\n');
      chmodSync(path.join(folder, name), mode);
    };
    file('one/plain', 0o644);
    file('one/shadowed', 0o644);
    file('two/shadowed', 0o755);
    file('two/tool', 0o755);
    file('here', 0o755);
    symlinkSync('nowhere', path.join(folder, 'one/dangling'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const resolve = (command: string, searched = `${folder}/one:${folder}/two/`) =>
    resolveCommand(command, searched, folder);

  it('is found in PATH, past files that may not be executed', () => {
    expect(resolve('tool')).toEqual({ path: `${folder}/two/tool` });
    expect(resolve('shadowed')).toEqual({ path: `${folder}/two/shadowed` });
  });

  it('is not executable if it is a folder or has no such mode', () => {
    for (const command of ['plain', 'folder', './one/plain', './one', folder, '/']) {
      expect(resolve(command), command).toEqual({ problem: 'not-executable' });
    }
  });

  it('is not found elsewhere', () => {
    for (const command of ['', 'none', 'dangling', './none', './one/plain/x', `${folder}/none`]) {
      expect(resolve(command), command).toEqual({ problem: 'not-found' });
    }
  });

  it('with a slash is relative to the folder, and stays as typed', () => {
    expect(resolve('./two/tool')).toEqual({ path: './two/tool' });
    expect(resolve('two/tool', '')).toEqual({ path: 'two/tool' });
  });

  it('an empty part of PATH is the current folder; without PATH the system folders are searched', () => {
    expect(resolve('here', `${folder}/one:`)).toEqual({ path: './here' });
    expect(resolveCommand('sh', undefined, folder)).toEqual({ path: '/bin/sh' });
  });
});
