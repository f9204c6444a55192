// npm run bench -- NAME [--gate]
//
// Runs test/bench/NAME.ts and prints its table; with --gate the exit status is 1 if a limit is missed.
// A bench exports `async function bench({ root })`, where root is the top of the repository, and
// resolves with the report of test/support/measure.ts: { title, rows }, a row being
// { what, result, ratio?, limit? }. It may import the packages of this house by name. It is bundled
// first, because Node runs no TypeScript, so `import.meta.url` is not where its source is.
// NODE_EXTRA_CA_CERTS and NODE_OPTIONS would slow or change every start, so nobody sees them.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, 'test/bench');

delete process.env.NODE_EXTRA_CA_CERTS;
delete process.env.NODE_OPTIONS;

const name = process.argv[2];
const source = path.join(folder, `${name}.ts`);
if (name === undefined || !existsSync(source)) {
  const names = readdirSync(folder).flatMap((file) => (file.endsWith('.ts') ? [path.basename(file, '.ts')] : []));
  console.error(`usage: npm run bench -- ${names.join('|')} [--gate]`);
  process.exit(2);
}

/** Under node_modules, where what is not bundled is found. */
const cache = path.join(root, 'node_modules/.cache/hasp-bench');
mkdirSync(cache, { recursive: true });
const bundle = path.join(cache, `${name}-${process.pid}.mjs`);
await build({
  absWorkingDir: root,
  entryPoints: [source],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  plugins: [
    {
      name: 'only-this-house',
      setup(builder) {
        builder.onResolve({ filter: /^[^./]/ }, ({ path: target }) =>
          target.startsWith('@hasp/') ? undefined : { external: true, path: target },
        );
      },
    },
  ],
});

try {
  const { bench } = await import(pathToFileURL(bundle).href);
  const report = await bench({ root });
  print(report);
  const missed = report.rows.filter(({ ratio, limit }) => limit !== undefined && !(ratio <= limit));
  if (missed.length > 0 && process.argv.includes('--gate')) {
    console.error(`${missed.length} of the limits missed`);
    process.exitCode = 1;
  }
} finally {
  rmSync(bundle, { force: true });
}

function print({ title, rows }) {
  const cells = [
    ['', 'result', 'ratio', 'limit', ''],
    ...rows.map(({ what, result, ratio, limit }) => [
      what,
      result,
      ratio?.toFixed(2) ?? '',
      limit?.toFixed(2) ?? '',
      limit === undefined ? '' : ratio <= limit ? 'met' : 'MISSED',
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  console.log(`${title}\n`);
  for (const row of cells) {
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    );
  }
}
