import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool, WHOLE_LINE } from './tool.ts';

const environment = { PATH: process.env['PATH'] ?? '' };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hasp-tool-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a tool', () => {
  it('is not started for half a line, as a killed hasp leaves it, nor for none', () => {
    const file = path.join(folder, 'taken');
    const give = (input: string) => spawnSync('/bin/sh', ['-c', WHOLE_LINE, 'sh', 'tee', file], { input });
    for (const input of ['', 'half a li']) {
      give(input);
      expect(existsSync(file)).toBe(false);
    }
    give('whole line\n');
    expect(readFileSync(file, 'utf8')).toBe('whole line\n');
  });

  it('gets its line on stdin', async () => {
    const end = await runTool('cat', { argv: [], line: Buffer.from('a line'), environment, limitMs: 5_000 });
    expect([end.status, end.stdout.toString()]).toEqual([0, 'a line\n']);
  });

  it('that does not end is ended, with all that the shell started', async () => {
    for (const line of [undefined, Buffer.from('a line')]) {
      const argv = ['-c', 'echo $$; exec sleep 60'];
      const end = await runTool('sh', { argv, environment, limitMs: 300, ...(line && { line }) });
      expect([end.status, end.isLate]).toEqual([undefined, true]);
      // Whoever takes in orphans here may leave it a zombie.
      const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', end.stdout.toString().trim()]);
      expect(stdout.toString()).toMatch(/^$|^Z/);
    }
  });

  it('that is not there is an end like any other', async () => {
    const end = await runTool('/nowhere/at/all', { argv: [], environment, limitMs: 300 });
    expect([end.status, end.isLate]).toEqual([undefined, false]);
  });
});
