// Builds the published command into packages/cli/dist:
//   hasp.cjs   the entry: a guard against SIGUSR1, then the way to one of the next two
//   run.cjs    the whole path of `hasp run`; nothing heavy
//   main.cjs   every other command (yargs and all)
//   help.txt   what `hasp --help` prints
//   NAME.cjs   packages that are loaded only when needed
//   meta.json  what went into which bundle, for the architecture test
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cli = path.join(root, 'packages/cli');
const out = path.join(cli, 'dist');
const require = createRequire(path.join(root, 'packages/vault/package.json'));

/** Source of packages/cli → its bundle. */
const ENTRIES = [
  ['hasp', 'hasp'],
  ['run-entry', 'run'],
  ['main', 'main'],
];
/** Loaded by name at run time: native code or too big for a bundle. */
const EXTERNAL = ['koffi', 'libsodium-wrappers', 'libsodium-wrappers-sumo', '@node-rs/argon2'];
/** ES modules that a CommonJS bundle can't require: bundled apart, loaded when asked for. */
const APART = ['ps-list', 'execa'];

/** Where a native addon lies, tried without a search first: a search costs a millisecond. */
function addonLoader(packageName, file) {
  const guess = path.relative(out, path.join(path.dirname(require.resolve(`${packageName}/package.json`)), file));
  return `
    const path = require('node:path');
    module.exports = () => {
      const loaded = { exports: {} };
      try {
        process.dlopen(loaded, path.join(__dirname, ${JSON.stringify(guess)}));
      } catch {
        const home = path.dirname(require.resolve([${JSON.stringify(packageName)}, 'package.json'].join('/')));
        process.dlopen(loaded, path.join(home, ${JSON.stringify(file)}));
      }
      return loaded.exports;
    };`;
}

const lazyBorders = {
  name: 'lazy-borders',
  setup(builder) {
    builder.onResolve({ filter: /^bindings$/ }, () => ({ path: 'bindings', namespace: 'addon' }));
    builder.onLoad({ filter: /.*/, namespace: 'addon' }, () => ({
      contents: addonLoader('better-sqlite3', 'build/Release/better_sqlite3.node'),
      resolveDir: out,
    }));
    for (const [source, bundle] of ENTRIES) {
      builder.onResolve({ filter: new RegExp(`/${source}\\.ts$`) }, (args) =>
        args.kind === 'dynamic-import' ? { path: `./${bundle}.cjs`, external: true } : undefined,
      );
    }
    builder.onResolve({ filter: new RegExp(`^(${APART.join('|')})$`) }, (args) =>
      args.kind === 'entry-point' ? undefined : { path: `./${args.path}.cjs`, external: true },
    );
    // Only `Intl.Segmenter` is heavy in string-width; help text is plain ASCII.
    builder.onResolve({ filter: /^string-width$/ }, () => ({ path: 'string-width', namespace: 'width' }));
    builder.onLoad({ filter: /.*/, namespace: 'width' }, () => ({
      contents: 'export default (text) => text.replace(/\\u001b\\[[0-9;]*m/g, "").length;',
    }));
  },
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  keepNames: false,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  outdir: out,
  outExtension: { '.js': '.cjs' },
  external: EXTERNAL,
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'HERE_URL', 'process.env.HASP_VERSION': JSON.stringify((await version()).version) },
  banner: { js: "const HERE_URL=require('node:url').pathToFileURL(__filename).href;" },
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
async function version() {
  return createRequire(import.meta.url)('../package.json');
}

const command = await build({
  ...shared,
  entryPoints: Object.fromEntries(ENTRIES.map(([source, bundle]) => [bundle, path.join(cli, `src/${source}.ts`)])),
  plugins: [lazyBorders],
});
const fromTree = createRequire(path.join(root, 'packages/process-tree/package.json'));
const apart = await build({
  ...shared,
  entryPoints: Object.fromEntries(APART.map((name) => [name, entryOf(name)])),
  plugins: [lazyBorders],
});
function entryOf(name) {
  // Both packages export one ES module; resolve it by its folder, since require() may not.
  const folder = fromTree.resolve.paths(name).map((place) => path.join(place, name));
  for (const place of folder) {
    try {
      return path.join(place, fromTree(path.join(place, 'package.json')).exports.default ?? 'index.js');
    } catch {}
  }
  throw new Error(`${name} is not installed`);
}
writeFileSync(
  path.join(out, 'meta.json'),
  JSON.stringify({ outputs: { ...command.metafile.outputs, ...apart.metafile.outputs } }),
);
const help = spawnSync(process.execPath, ['-e', 'require("./main.cjs").main(["--help"])'], {
  cwd: out,
  encoding: 'utf8',
});
if (help.status !== 0 || help.stdout === '') throw new Error(`the help page could not be made: ${help.stderr}`);
writeFileSync(path.join(out, 'help.txt'), help.stdout);
cpSync(path.join(cli, 'src/hasp.schema.json'), path.join(out, 'hasp.schema.json'));
chmodSync(path.join(cli, 'bin/hasp'), 0o755);
