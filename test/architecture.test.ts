import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A package imports only from floors below its own. */
const FLOOR: Readonly<Record<string, number>> = {
  core: 0,
  match: 0,
  vault: 1,
  audit: 1,
  'process-tree': 1,
  broker: 2,
  cli: 3,
};

interface Border {
  readonly name: string;
  /** Looked for in code without comments. */
  readonly what: RegExp;
  /** Packages, or files as package/src/file.ts, that may have it. */
  readonly only: readonly string[];
  readonly why: string;
}

const quoted = (...names: string[]): RegExp => new RegExp(`["'\`](?:${names.join('|')})(?:/[^"'\`]*)?["'\`]`);

const BORDERS: readonly Border[] = [
  {
    name: 'better-sqlite3',
    what: quoted('better-sqlite3'),
    only: ['vault', 'audit'],
    why: 'two files, two reasons: the vault keeps secrets, the log keeps its lock and its seal; each has its own pragmas',
  },
  {
    name: 'libsodium and argon2',
    what: quoted('libsodium-wrappers', 'libsodium-wrappers-sumo', '@node-rs/argon2'),
    only: ['vault'],
    why: 'one place decides how values and keys are sealed',
  },
  {
    name: 'execa, ps-list and koffi',
    what: quoted('execa', 'ps-list', 'koffi'),
    only: ['process-tree'],
    why: 'one place starts, finds and ends processes',
  },
  {
    name: 'yargs and chalk',
    what: quoted('yargs', 'chalk'),
    only: ['cli'],
    why: 'words and colours are for people, at the top only',
  },
  {
    name: 'the keyring',
    what: /["'`](?:secret-tool|\/usr\/bin\/security)["'`]/,
    only: ['cli/src/keyring/secret-tool.ts', 'cli/src/keyring/keychain.ts'],
    why: 'one place hands a key to another program, on its stdin and never as an argument',
  },
  {
    name: '/proc',
    what: /["'`]\/proc\b/,
    only: ['process-tree'],
    why: 'who a process is must have one answer, read with its start time so that a pid can not be taken over',
  },
  {
    name: 'sockets',
    what: quoted('(?:node:)?(?:net|http|https|http2|tls|dgram)'),
    only: ['broker'],
    why: 'one package opens sockets, so one package has to be read to know who can talk to hasp',
  },
  {
    name: 'argv, environment, streams and exit',
    what: /\bprocess\.(?:argv|env|stdin|stdout|stderr|exit|exitCode)\b/,
    // The last step of a supervised run leaves by _exit(2), and where the kernel gives no help the
    // portable relay copies the child's output to the wrapper's own.
    only: ['cli', 'process-tree/src/exit-status.ts', 'process-tree/src/platform/portable.ts'],
    why: 'below the command, everything is given as an argument: nothing depends on where it runs, and all can be tested',
  },
  {
    name: 'the console',
    what: /\bconsole\./,
    only: [],
    why: 'what is printed is a contract, made in one place and tested',
  },
  {
    name: 'Node itself',
    what: quoted('node:(?!buffer\\b|util\\b)[a-z_/]+'),
    only: ['vault', 'audit', 'process-tree', 'broker', 'cli'],
    why: 'core and match have no clock, disk, network, process or key (I8)',
  },
];

interface Source {
  readonly package: string;
  /** From the top of the repository, with "/". */
  readonly file: string;
  readonly text: string;
}

function filesUnder(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : filesUnder(file);
    return [file];
  });
}

const sources: readonly Source[] = filesUnder('packages')
  .filter((file) => /^packages\/[^/]+\/src\/.*\.ts$/.test(file) && !/\.test\.ts$/.test(file))
  .map((file) => ({
    package: file.split('/')[1] as string,
    file,
    text: readFileSync(path.join(root, file), 'utf8'),
  }));

/** The code alone: no comments, no types, strings as they were. */
async function codeOf(source: Source): Promise<string> {
  const { code } = await transform(source.text, {
    loader: 'ts',
    minifyWhitespace: true,
    legalComments: 'none',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  return code;
}

/** Type imports too: to know another's words is to depend on it. */
function importsOf(text: string): string[] {
  const IMPORT =
    /(?:^|[\s;}])(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm;
  return [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

function manifestOf(name: string): { dependencies?: object; optionalDependencies?: object; exports?: object } {
  return JSON.parse(readFileSync(path.join(root, 'packages', name, 'package.json'), 'utf8'));
}

describe('the floors', () => {
  it('every package has one', () => {
    expect(readdirSync(path.join(root, 'packages')).sort()).toEqual(Object.keys(FLOOR).sort());
  });

  it.each(Object.keys(FLOOR))('%s imports only from floors below, and only what another package exports', (name) => {
    const wrong: string[] = [];
    for (const { file, text } of sources.filter((source) => source.package === name)) {
      for (const target of importsOf(text)) {
        if (target.startsWith('.')) {
          const inside = path.posix.join(path.posix.dirname(file), target).startsWith(`packages/${name}/src/`);
          if (!inside) wrong.push(`${file}: ${target} is outside its package`);
        } else if (target.startsWith('@hasp/')) {
          const [, other = '', ...rest] = target.split('/');
          if ((FLOOR[other] ?? 99) >= (FLOOR[name] as number)) wrong.push(`${file}: ${target} is not on a floor below`);
          const entry = ['.', ...rest].join('/');
          if (!(entry in (manifestOf(other).exports ?? {}))) wrong.push(`${file}: ${target} is not exported`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('core and match depend on nothing', () => {
    for (const name of ['core', 'match']) {
      expect(manifestOf(name)).not.toHaveProperty('dependencies');
      expect(manifestOf(name)).not.toHaveProperty('optionalDependencies');
    }
  });
});

describe('the borders', () => {
  const code = Promise.all(sources.map(async (source) => [source.file, await codeOf(source)] as const)).then(
    (pairs) => new Map(pairs),
  );

  it.each(BORDERS)('$name only where it belongs: $why', async ({ what, only }) => {
    const wrong: string[] = [];
    for (const source of sources) {
      if (only.includes(source.package) || only.some((place) => source.file === `packages/${place}`)) continue;
      const found = what.exec((await code).get(source.file) as string);
      if (found) wrong.push(`${source.file}: ${found[0]}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('the files', () => {
  const written = [...filesUnder('packages'), ...filesUnder('scripts'), ...filesUnder('test')];

  it('none has more than 300 lines: there a noun is hiding', () => {
    const long = written
      .filter((file) => /\.(?:ts|mjs)$/.test(file))
      .map((file) => ({ file, lines: readFileSync(path.join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300);
    expect(long).toEqual([]);
  });

  it('each is named after what it has, not after being useful', () => {
    const VAGUE = /(?:^|[/-])(?:utils?|helpers?|manager|service|common|misc|shared|handler)s?[.-]/;
    expect(written.filter((file) => VAGUE.test(file))).toEqual([]);
  });

  it('the top of the house shows what lives in it', () => {
    const hidden = ['node_modules', 'coverage'];
    const seen = readdirSync(root).filter((name) => !name.startsWith('.') && !hidden.includes(name));
    expect(seen.sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'docs', 'hooks', 'package-lock.json', 'package.json', 'packages'].concat(
        ['scripts', 'test', 'tsconfig.json'],
      ),
    );
  });
});

describe('what is loaded', () => {
  interface Output {
    readonly bytes: number;
    readonly inputs: Readonly<Record<string, unknown>>;
  }
  const meta = path.join(root, 'packages/cli/dist/meta.json');
  const outputs = (): Readonly<Record<string, Output>> => JSON.parse(readFileSync(meta, 'utf8')).outputs;
  const bundle = (name: string): Output => outputs()[`packages/cli/dist/${name}`] as Output;
  const foreignIn = (name: string): string[] => {
    const files = Object.keys(bundle(name).inputs).flatMap((file) => {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
      return found === undefined ? [] : [found];
    });
    return [...new Set(files)].sort();
  };

  it('by every command: next to nothing', () => {
    expect(foreignIn('hasp.cjs')).toEqual([]);
    expect(bundle('hasp.cjs').bytes).toBeLessThan(3_000);
  });

  it('by `hasp run`: of other people’s code the JavaScript of better-sqlite3 alone', () => {
    expect(foreignIn('run.cjs')).toEqual(['better-sqlite3']);
  });

  it('by git’s hooks: as little', () => {
    expect(foreignIn('hook.cjs')).toEqual(['better-sqlite3']);
    expect(Object.keys(bundle('hook.cjs').inputs).filter((file) => /cli\/src\/(?:main\b|commands)/.test(file))).toEqual(
      [],
    );
    expect(bundle('hook.cjs').bytes).toBeLessThan(149_500);
  });

  it.each([
    ['scan', 172_000],
    ['redact', 152_000],
  ])('by `hasp %s`: as little, and none of the other commands', (command, bytes) => {
    expect(foreignIn(`${command}.cjs`)).toEqual(['better-sqlite3']);
    const commands = Object.keys(bundle(`${command}.cjs`).inputs).filter((file) => /cli\/src\/commands\b/.test(file));
    expect(commands).toEqual([`packages/cli/src/commands/${command}.ts`]);
    expect(bundle(`${command}.cjs`).bytes).toBeLessThan(bytes);
  });

  it('by `hasp run`: no other command, and few bytes, for every ten thousand take half a millisecond', () => {
    const commands = Object.keys(bundle('run.cjs').inputs).filter((file) => /cli\/src\/(?:main\b|commands)/.test(file));
    expect(commands).toEqual([]);
    // Of better-sqlite3 13, for Nodes from 22.14 on, 1.2 kB more are read than of 12.
    const { version } = JSON.parse(readFileSync(path.join(root, 'node_modules/better-sqlite3/package.json'), 'utf8'));
    expect(bundle('run.cjs').bytes).toBeLessThan(version.startsWith('12.') ? 144_800 : 146_000);
  });

  it('by `hasp run`: not the rules for agents, of which a run of a person has no need', () => {
    expect(Object.keys(bundle('run.cjs').inputs).filter((file) => file.includes('core/src/rules/'))).toEqual([]);
  });

  it('by a `hasp run` that is watched: no parser, no colours, no libsodium, no list of processes, no network', async () => {
    const sandbox = await Sandbox.withSecrets({ token: 'correct-horse-battery' });
    try {
      const trace = path.join(root, 'test/programs/trace-loads.cjs');
      const entry = path.join(root, 'packages/cli/dist/hasp.cjs');
      const run = ['run', '-e', 'TOKEN=hasp://token', '--', 'true'];
      const { status, stderr } = await sandbox.other([process.execPath, '--require', trace, entry, ...run]);
      expect({ status, stderr: stderr.toString() }).toMatchObject({ status: 0 });
      const loaded = JSON.parse(stderr.toString().trim().split('\n').at(-1) as string) as string[];
      // The way into run.cjs is not require(), so it need not show.
      const sqlite = ['better_sqlite3.node', `${process.platform}-${process.arch}.node`];
      const expected = ['hasp.cjs', 'run.cjs', ...sqlite, 'koffi.node'];
      const others = loaded.filter((name) => !name.startsWith('node:') && !expected.includes(path.basename(name)));
      expect(others).toEqual([]);
      for (const heavy of ['node:net', 'node:http', 'node:tls', 'node:tty', 'node:child_process']) {
        expect(loaded).not.toContain(heavy);
      }
    } finally {
      sandbox.remove();
    }
  });
});
