import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Loads better-sqlite3's addon from where it lies beside the build, without a search: a search costs a
 * millisecond. Version 12 is compiled at install; version 13 ships N-API binaries, compiles where there is none,
 * and crashes Node before N-API 10 (20, and 22 before 22.14), so that is refused first.
 * @param folder of better-sqlite3
 * @param out where the build goes
 * @returns JavaScript that declares `load`
 */
export function sqliteLoader(folder, out) {
  const major = Number.parseInt(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version, 10);
  return `
  const path = require('node:path');
  const files = ['build/Release/better_sqlite3.node'];
  if (${major} >= 13) {
    if (Number(process.versions.napi) < 10) throw new Error('better-sqlite3 13 needs Node 22.14 or later: npm install better-sqlite3@12');
    for (const libc of ['', 'musl']) files.push(\`prebuilds/\${process.platform}\${libc}-\${process.arch}.node\`);
  }
  let addon;
  const load = () => {
    if (addon) return addon;
    const beside = path.join(__dirname, ${JSON.stringify(path.relative(out, folder))});
    const installed = () => path.dirname(require.resolve(['better-sqlite3', 'package.json'].join('/')));
    let problem;
    for (const folder of [() => beside, installed]) {
      for (const file of files) {
        try {
          const loaded = { exports: {} };
          process.dlopen(loaded, path.join(folder(), file));
          return (addon = loaded.exports);
        } catch (error) {
          problem = problem ?? error;
        }
      }
    }
    throw problem;
  };`;
}
