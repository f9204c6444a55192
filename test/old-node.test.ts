import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ENTRY = fileURLToPath(new URL('../packages/cli/dist/hasp.cjs', import.meta.url));

describe('a Node that is too old', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-old-node-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // Alone in its folder, without a module to require: it must say so before it loads anything.
  const entry = path.join(folder, 'hasp.cjs');
  const old = path.join(folder, 'old.cjs');
  copyFileSync(ENTRY, entry);
  writeFileSync(
    old,
    `Object.defineProperty(process, 'versions', { value: { node: '18.20.4' } });
const { prototype } = require('module');
const load = prototype.require;
prototype.require = function (name) { if (name !== 'url') throw new Error('loads ' + name); return load.call(this, name); };`,
  );
  const hasp = (...argv: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, ['--require', old, entry, ...argv], { encoding: 'utf8' });
    return { status, stderr };
  };
  const stderr = 'hasp: needs Node.js 20.20 or later, and this is 18.20.4\n';

  it('is told in one line', () => {
    expect(hasp('--help')).toEqual({ status: 1, stderr });
    expect(hasp('secret', 'list')).toEqual({ status: 1, stderr });
  });

  it('is a failure of hasp’s own under run', () => {
    expect(hasp('run', '--', 'true')).toEqual({ status: 125, stderr });
  });
});
