// Builds the published command into packages/cli/dist:
//   hasp.cjs   the entry: a guard against SIGUSR1, then the way to one of the next two
//   run.cjs    the whole path of `hasp run`; nothing heavy
//   main.cjs   every other command (yargs and all)
//   *.cache    what V8 makes of the two, for the Node that builds (another Node compiles anew)
//   help.txt   what `hasp --help` prints
//   NAME.cjs   packages that are loaded only when needed
//   meta.json  what went into which bundle, for the architecture test
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
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
  ['bundle', 'bundle'],
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
    builder.onResolve({ filter: /\/run-entry\.ts$/ }, (args) =>
      args.kind === 'dynamic-import' ? { path: './run.cjs', external: true } : undefined,
    );
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
  // For Node, the default of a CommonJS module is the module: as it is for whoever imports these by name.
  footer: { js: 'if(module.exports.default)module.exports=module.exports.default;' },
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
cpSync(path.join(cli, 'src/hasp.schema.json'), path.join(out, 'hasp.schema.json'));
chmodSync(path.join(cli, 'bin/hasp'), 0o755);

const home = mkdtempSync(path.join(tmpdir(), 'hasp-build-'));
try {
  const environment = { PATH: process.env.PATH, HOME: home, HASP_HOME: home };
  const hasp = (argv, input = '') => {
    const done = spawnSync(path.join(cli, 'bin/hasp'), argv, { env: environment, input, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`hasp ${argv.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  writeFileSync(path.join(out, 'help.txt'), hasp(['help']));
  hasp(['init', '--key-file']);
  hasp(['secret', 'set', 'BUILD'], 'throw-away');
  const cache = path.join(root, 'scripts/code-cache.mjs');
  for (const argv of [
    ['run', '-e', 'BUILD', '--', 'true'],
    ['main', 'secret', 'list'],
  ]) {
    spawnSync(process.execPath, [cache, out, ...argv], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
