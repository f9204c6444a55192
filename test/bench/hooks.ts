import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileStarter, measureInterleaved, type Report } from '../support/measure.ts';

const ROUNDS = 15;
const FILES = 100_000;
const STAGED = 10;
const COMMITS = 200;
const BLOBS_EACH = 27;
const BLOB_BYTES = 11_800;

/** Both hooks against what they can't do without: Node's own start, and git's reading of the same objects. */
export async function bench({ root }: { root: string }): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hasp-bench-hooks-'));
  try {
    const hasp = path.join(root, 'packages/cli/bin/hasp');
    const env = { ...process.env, HASP_HOME: path.join(folder, 'home'), GIT_CONFIG_NOSYSTEM: '1' };
    addValues(hasp, env);
    const staged = makeStaged(folder);
    const pushed = makePushed(folder);
    const refs = path.join(folder, 'refs');
    const zeros = '0'.repeat(40);
    writeFileSync(refs, `refs/heads/main ${pushed.tip} refs/heads/main ${zeros}\n`);
    const inside = (place: string, line: string) => ({ argv: ['sh', '-c', `cd "$0" && ${line}`, place], env });
    const measured = measureInterleaved(
      compileStarter(root, folder),
      {
        node: { argv: ['node', '-e', '0'], env },
        commit: inside(staged, `exec ${hasp} hook pre-commit`),
        bare: inside(
          pushed.folder,
          `git rev-list --objects --no-object-names ${pushed.tip} | git cat-file --batch --buffer >/dev/null`,
        ),
        push: inside(pushed.folder, `exec ${hasp} hook pre-push origin nowhere <${refs}`),
      },
      ROUNDS,
    );
    const { node, commit, bare, push } = measured;
    const result = ({ ms, peakMiB }: { ms: number; peakMiB: number }) =>
      `${ms.toFixed(0)} ms, ${peakMiB.toFixed(0)} MiB`;
    return {
      title: `${STAGED} staged of ${FILES} files; a push of ${COMMITS} commits, ${pushed.objects} objects; 10 values; medians of ${ROUNDS}`,
      rows: [
        { what: 'node -e 0', result: result(node), ratio: 1 },
        { what: 'pre-commit, to node -e 0', result: result(commit), ratio: commit.ms / node.ms, limit: 3 },
        { what: 'git rev-list | git cat-file', result: result(bare), ratio: 1 },
        {
          what: 'pre-push, less the start of node, to git alone',
          result: result(push),
          ratio: (push.ms - node.ms) / bare.ms,
          limit: 1.5,
        },
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function addValues(hasp: string, env: NodeJS.ProcessEnv): void {
  execFileSync(hasp, ['init', '--key-file'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  for (let at = 0; at < 10; at += 1) {
    const input = `${at % 2 === 0 ? 'postgres://app:' : 'ghp_'}${digest(`value ${at}`).slice(0, 36)}`;
    execFileSync(hasp, ['secret', 'set', `s${at}`], { env, input, stdio: ['pipe', 'ignore', 'pipe'] });
  }
}

/** An index is enough: nothing is checked out. */
function makeStaged(folder: string): string {
  const place = path.join(folder, 'staged');
  const git = repository(place);
  const files = Array.from(
    { length: FILES },
    (_, at) => `M 100644 inline d${at % 1000}/f${at}.txt\n${data(`file ${at}\n`)}`,
  );
  git(['fast-import', '--quiet'], `${header(1)}${files.join('')}`);
  git(['read-tree', 'main']);
  const lines = Array.from({ length: STAGED }, (_, at) => {
    const blob = git(['hash-object', '-w', '--stdin'], textOf(`staged ${at}`, 4_000)).trim();
    return `100644 ${blob}\td${at}/new${at}.txt\n`;
  });
  git(['update-index', '--add', '--index-info'], lines.join(''));
  return place;
}

function makePushed(folder: string): { folder: string; tip: string; objects: number } {
  const place = path.join(folder, 'pushed');
  const git = repository(place);
  const commits = Array.from({ length: COMMITS }, (_, commit) => {
    const files = Array.from({ length: BLOBS_EACH }, (_, at) => {
      const name = `src/m${commit % 40}/n${at % 5}/f${at}.ts`;
      return `M 100644 inline ${name}\n${data(textOf(`${commit} ${at}`, BLOB_BYTES))}`;
    });
    return `${header(commit + 1)}${files.join('')}`;
  });
  git(['fast-import', '--quiet'], commits.join('\n'));
  const tip = git(['rev-parse', 'main']).trim();
  const objects = git(['rev-list', '--objects', 'main']).trim().split('\n').length;
  return { folder: place, tip, objects };
}

function repository(place: string): (argv: readonly string[], input?: string) => string {
  mkdirSync(place);
  const git = (argv: readonly string[], input = ''): string =>
    execFileSync('git', argv, { cwd: place, input, encoding: 'utf8', maxBuffer: 1 << 28 });
  git(['init', '-q', '-b', 'main']);
  return git;
}

function header(at: number): string {
  return `commit refs/heads/main\ncommitter B <b@example.com> ${1_700_000_000 + at} +0000\n${data(`commit ${at}\n`)}`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

/** Lines that look like code and compress like it. */
function textOf(seed: string, bytes: number): string {
  let text = '';
  for (let line = 0; text.length < bytes; line += 1) {
    text += `export const name${line} = compute('${digest(`${seed} ${line}`).slice(0, 24)}', ${line});\n`;
  }
  return text;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
