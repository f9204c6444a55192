import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const { sqliteLoader }: { sqliteLoader(folder: string, out: string): string } = await import(
  new URL('../scripts/sqlite-addon.mjs', import.meta.url).href
);

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'hasp-addon-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a build with that better-sqlite3 says when a Node of that N-API loads it. */
function load(version: string, napi: string): string {
  const addon = path.join(folder, 'node_modules/better-sqlite3');
  const dist = path.join(folder, 'dist');
  for (const place of [addon, dist]) mkdirSync(place, { recursive: true });
  writeFileSync(path.join(addon, 'package.json'), JSON.stringify({ name: 'better-sqlite3', version }));
  const program = path.join(dist, 'program.cjs');
  writeFileSync(
    program,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, napi: '${napi}' } });
    process.dlopen = (_, file) => { throw new Error('loads ' + require('node:path').relative(${JSON.stringify(addon)}, file)); };
    try { ${sqliteLoader(addon, dist)}
      load();
    } catch ({ message }) { process.stdout.write(message); }`,
  );
  return spawnSync(process.execPath, [program], { encoding: 'utf8' }).stdout;
}

describe('better-sqlite3 13 on a Node before N-API 10, which it would crash', () => {
  it.each(['8', '9'])('is refused before anything of it is loaded (N-API %s)', (napi) => {
    expect(load('13.2.0', napi)).toMatch(/^better-sqlite3 13 needs Node 22\.14 or later/);
  });

  it('is loaded where the Node is new enough', () => {
    expect(load('13.2.0', '10')).toBe('loads build/Release/better_sqlite3.node');
    expect(load('14.0.0', '11')).toBe('loads build/Release/better_sqlite3.node');
  });

  it('stands for 13 alone: 12 is compiled for the Node that it is installed with', () => {
    expect(load('12.11.1', '9')).toBe('loads build/Release/better_sqlite3.node');
  });
});
