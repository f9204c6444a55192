// Builds the published command into packages/cli/dist:
// and its launcher, packages/cli/bin/hasp: launcher/hasp.c compiled, or launcher/hasp.bash where that fails.
//   hasp.cjs   the entry: a guard against SIGUSR1, then the way to one of the others
//   run.cjs    the whole path of `hasp run`; nothing heavy
//   remote.cjs the same where a broker decides: neither vault nor log
//   daemon.cjs a broker in the background
//   ask-once.cjs  what a run needs that has to ask for a passphrase
//   inside-run.cjs  what a run needs where there are agent sessions, or where its broker is gone
//   hook.cjs   the hooks that git starts, likewise
//   scan.cjs, redact.cjs  these two commands, likewise
//   main.cjs   every other command (yargs and all), and these where their argv is not simple
//   *.cache    what V8 makes of those of a command, for the Node that builds (another Node compiles anew)
//   help.txt   what `hasp --help` prints
//   keyring.cjs  how the key of a vault is asked of the operating system's keyring
//   settle-key-files.cjs  how what a killed rekey left is put in order
//   end-left.cjs  how what a killed wrapper left is ended
//   portable.cjs  how a run is watched where the kernel gives no help
//   match.cjs  the match engine, for a run that has something to mask
//   verify-second-half.cjs  the second thread of `hasp audit verify`
//   terminal.cjs  a terminal for a command whose output is redacted on ours
//   NAME.cjs   packages that are loaded only when needed
//   meta.json  what went into which bundle, for the architecture test
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { laterBuiltin } from './later-builtin.mjs';
import { makeLauncher } from './launcher.mjs';
import { sqliteLoader } from './sqlite-addon.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cli = path.join(root, 'packages/cli');
/** Made aside and moved into place whole: a hasp that starts meanwhile finds the old one or the new one. */
const dist = path.join(cli, 'dist');
const out = path.join(cli, `.dist-${process.pid}`);
const require = createRequire(path.join(root, 'packages/vault/package.json'));

/** Source of packages/cli → its bundle. */
const ENTRIES = [
  ['hasp', 'hasp'],
  ['daemon-entry', 'daemon'],
  ['ask-once', 'ask-once'],
  ['remote-finder', 'remote-finder'],
  ['inside-run', 'inside-run'],
  ['keyring/vault-key', 'keyring'],
  ['settle-key-files', 'settle-key-files'],
  ['main', 'main'],
  ['bundle', 'bundle'],
];
/** What only such a run needs. Nothing in it is compared by class with what the others have of the same source. */
const PORTABLE = path.join(root, 'packages/process-tree/src/platform/portable.ts');
/** What only who meets a lost wrapper needs, with the same care. */
const END_LEFT = path.join(root, 'packages/broker/src/end-left.ts');
/** What only a run with redacted output on a terminal needs, with the same care. */
const TERMINAL = path.join(root, 'packages/process-tree/src/terminal/inner-terminal.ts');
/** The program of a thread, which gets its keys from who starts it. */
const SECOND_HALF = path.join(root, 'packages/audit/src/second-half-thread.ts');
/** Loaded by name at run time: native code or too big for a bundle. */
const EXTERNAL = ['koffi', 'libsodium-wrappers', 'libsodium-wrappers-sumo', '@node-rs/argon2'];
/** ES modules that a CommonJS bundle can't require: bundled apart, loaded when asked for. */
const APART = ['ps-list', 'execa'];

const SQLITE = path.dirname(require.resolve(['better-sqlite3', 'package.json'].join('/')));

const lazyBorders = {
  name: 'lazy-borders',
  setup(builder) {
    builder.onResolve({ filter: /^bindings$/ }, () => ({ path: 'bindings', namespace: 'addon' }));
    builder.onResolve({ filter: /^\.\/binding$/ }, ({ importer }) =>
      importer.startsWith(SQLITE) ? { path: 'getBinding', namespace: 'addon' } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'addon' }, ({ path: shape }) => ({
      contents: `${sqliteLoader(SQLITE, out)}\n${shape === 'bindings' ? 'module.exports = load' : 'exports.getBinding = load'};`,
      resolveDir: out,
    }));
    // Functions, tables, copies and transactions made in JavaScript: nobody here makes any, and a start would read 9 kB for them.
    const unused = /^\.\/methods\/(table|function|aggregate|backup|serialize|transaction|explain)$/;
    builder.onResolve({ filter: unused }, ({ path: target, importer }) =>
      importer.startsWith(SQLITE) ? { path: target, namespace: 'unused' } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: '' }));
    // Each of these is a bundle of its own, or part of one, that a process loads only when it gets there.
    for (const [source, bundle] of [
      ['run-entry', 'run'],
      ['ask-once', 'ask-once'],
      ['remote-finder', 'remote-finder'],
      ['inside-run', 'inside-run'],
      ['keyring/vault-key', 'keyring'],
      ['settle-key-files', 'settle-key-files'],
      ['end-left', 'end-left'],
      ['platform/portable', 'portable'],
      ['terminal/inner-terminal', 'terminal'],
    ]) {
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
  define: {
    'import.meta.url': 'HERE_URL',
    'process.env.HASP_VERSION': JSON.stringify(createRequire(import.meta.url)('../package.json').version),
    'process.env.HASP_ENGINE': JSON.stringify(engine()),
  },
  banner: { js: "const HERE_URL=require('url').pathToFileURL(__filename).href;" },
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
/** Tables that another build's matcher has made are not for this one. */
function engine() {
  const folder = path.join(root, 'packages/match/src');
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort())
    if (!file.includes('.test.')) hash.update(readFileSync(path.join(folder, file)));
  return hash.digest('hex').slice(0, 32);
}

/** A run that prints nothing masks nothing: it reads the match engine when it first needs it. */
const MATCH = path.join(root, 'packages/match/src');
const IMPORTERS = ['index.ts', 'text-mask.ts'].map((file) => path.join(MATCH, file));
const laterMatch = later(/^\.\/(matcher|redactor|ansi-redactor|search|mask-text)\.ts$/);
/** Git's hooks look for values, and mask no stream. */
const laterRedactor = later(/^\.\/ansi-redactor\.ts$/);
function later(filter) {
  const setup = (builder) => {
    builder.onResolve({ filter }, ({ path: target, importer }) =>
      IMPORTERS.includes(importer) ? { path: path.join(MATCH, target), namespace: 'later' } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'later' }, ({ path: file }) => {
      const functions = readFileSync(file, 'utf8').matchAll(/^export (?:async )?function (\w+)/gm);
      const stub = ([, name]) => `export const ${name} = (...given) => require('./match.cjs').${name}(...given);`;
      return { contents: [...functions].map(stub).join('\n') };
    });
    builder.onResolve({ filter: /^\.\/match\.cjs$/ }, ({ path: target }) => ({ path: target, external: true }));
  };
  return { name: 'later', setup };
}

const run = await build({
  ...shared,
  entryPoints: { run: path.join(cli, 'src/run-entry.ts') },
  plugins: [laterMatch, lazyBorders],
});
/** A run that a broker decides may need nothing of it. */
const laterCrypto = laterBuiltin('crypto', ['createHash', 'randomBytes']);
/** A scan of files outside of git starts no process, and a filter never does. */
const laterProcesses = laterBuiltin('child_process', ['spawn', 'spawnSync']);
const remote = await build({
  ...shared,
  entryPoints: { remote: path.join(cli, 'src/remote-entry.ts') },
  plugins: [laterMatch, laterCrypto, lazyBorders],
});
const match = await build({ ...shared, entryPoints: { match: path.join(MATCH, 'index.ts') } });
const hook = await build({
  ...shared,
  entryPoints: { hook: path.join(cli, 'src/hook-entry.ts') },
  plugins: [laterRedactor, lazyBorders],
});
/** Each a command that is started all day; the match engine is loaded by both, but a scan masks no stream. */
const scan = await build({
  ...shared,
  entryPoints: { scan: path.join(cli, 'src/scan-entry.ts') },
  plugins: [laterRedactor, laterProcesses, lazyBorders],
});
const redact = await build({
  ...shared,
  entryPoints: { redact: path.join(cli, 'src/redact-entry.ts') },
  plugins: [laterProcesses, lazyBorders],
});
const command = await build({
  ...shared,
  entryPoints: {
    ...Object.fromEntries(ENTRIES.map(([source, bundle]) => [bundle, path.join(cli, `src/${source}.ts`)])),
    portable: PORTABLE,
    'end-left': END_LEFT,
    terminal: TERMINAL,
    'verify-second-half': SECOND_HALF,
  },
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
  JSON.stringify({
    outputs: Object.assign(
      {},
      ...[command, scan, redact, hook, run, remote, match, apart].map(({ metafile }) => metafile.outputs),
    ),
  }).replaceAll(path.basename(out), 'dist'),
);
cpSync(path.join(cli, 'src/hasp.schema.json'), path.join(out, 'hasp.schema.json'));

const home = mkdtempSync(path.join(tmpdir(), 'hasp-build-'));
try {
  const environment = { PATH: process.env.PATH, HOME: home, HASP_HOME: home };
  const hasp = (argv, input = '') => {
    const done = spawnSync(process.execPath, [path.join(out, 'hasp.cjs'), ...argv], {
      env: environment,
      input,
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`hasp ${argv.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  writeFileSync(path.join(out, 'help.txt'), hasp(['help']));
  hasp(['init', '--key-file']);
  hasp(['secret', 'set', 'BUILD'], 'throw-away');
  const cache = path.join(root, 'scripts/code-cache.mjs');
  const none = '0000000000000000';
  // For the hook: a repository with something staged. Without git there is no cache, and no hook.
  const repository = path.join(home, 'repository');
  const git = (...words) => spawnSync('git', words, { cwd: repository, env: environment });
  mkdirSync(repository);
  git('init', '-q');
  writeFileSync(path.join(repository, 'file'), 'staged\n');
  git('add', 'file');
  const launched = {
    __HASP_LAUNCHER: String(process.pid),
    __HASP_IGNORED: none,
    __HASP_BLOCKED: none,
    __HASP_NOFILE: '1024',
    __HASP_FDS: ' 0 1 2',
    __HASP_ENV_0: 'SHLVL=1',
  };
  hasp(['unlock']);
  for (const argv of [
    ['remote', '-e', 'BUILD', '--', 'true'],
    ['run', '-e', 'BUILD', '--', 'true'],
    ['hook', 'pre-commit'],
    ['scan', path.join(out, 'help.txt')],
    ['redact'],
    ['main', 'secret', 'list'],
  ]) {
    // As the launcher starts it, and into a pipe, so that what a usual run needs is compiled.
    spawnSync(process.execPath, [cache, out, ...argv], {
      cwd: repository,
      env: { ...environment, ...launched },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }
  hasp(['broker', 'stop']);
} finally {
  rmSync(home, { recursive: true, force: true });
}

rmSync(dist, { recursive: true, force: true });
renameSync(out, dist);
makeLauncher(root);
