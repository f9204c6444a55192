import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES, HaspError, isName, parseDuration, parseManifest, parseReference } from '@hasp/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../packages/cli/src/commands.ts';
import { GLOBAL_OPTIONS } from '../packages/cli/src/options.ts';
import { parseArgv } from '../packages/cli/src/parse-argv.ts';
import { RUN_OPTIONS } from '../packages/cli/src/run-grammar.ts';
import { allPages, anchorOf, blocks, codeSpans, haspCalls, innerLinks, readPage, sections } from './support/pages.ts';
import { Sandbox } from './support/sandbox.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const pages = allPages();
const cli = readPage('docs/cli.md');
/** `secret set NAME` → `secret set`. */
const pathOf = (usage: string) => usage.replace(/ [[A-Z].*$/, '');
const commands = [
  { path: 'run', options: Object.keys(RUN_OPTIONS) },
  ...COMMANDS.map(({ usage, options }) => ({ path: pathOf(usage), options: Object.keys(options ?? {}) })),
];
const optionsIn = (text: string) =>
  [...text.matchAll(/`(?:-[a-z]`, `)?--([a-z][a-z-]*)/g)].map(([, name]) => name ?? '');

describe('docs/errors.md', () => {
  const rows = [...readPage('docs/errors.md').text.matchAll(/^\| `(E_[A-Z_]+)` \| (\d) \|/gm)];

  it('has every code of the catalogue, in its order, with its exit status', () => {
    const documented = rows.map(([, code, status]) => [code, Number(status)]);
    expect(documented).toEqual(ERROR_CODES.map((code) => [code, new HaspError(code, '').exitStatus]));
  });

  it('says of a code that it is not given where no package gives it, and of no other', () => {
    const sources = readdirSync(path.join(root, 'packages'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /^[a-z-]+\/src\/.+(?<!\.test)\.ts$/.test(file) && file !== 'core/src/errors.ts')
      .map((file) => read(`packages/${file}`))
      .join('\n');
    const text = readPage('docs/errors.md').text.split('\n');
    const claimed = text
      .filter((line) => line.includes('not given by this version'))
      .map((line) => /`(E_[A-Z_]+)`/.exec(line)?.[1]);
    expect(claimed).toEqual(ERROR_CODES.filter((code) => !sources.includes(`'${code}'`)));
  });
});

describe('docs/cli.md', () => {
  it.each(commands)('has hasp $path with each of its options', ({ path: command, options }) => {
    const section = sections(cli).get(`hasp ${command}`) ?? '';
    expect(section).not.toBe('');
    const described = optionsIn(section);
    const own = options.filter((name) => !(name in GLOBAL_OPTIONS));
    expect(own.filter((name) => !described.includes(name))).toEqual([]);
  });

  it('has the options that every command takes', () => {
    const described = optionsIn(sections(cli).get('Common to all') ?? '');
    expect(Object.keys(GLOBAL_OPTIONS).filter((name) => !described.includes(name))).toEqual([]);
  });

  it('names no option that is not there', () => {
    const known = ['help', 'version', ...Object.keys(GLOBAL_OPTIONS), ...commands.flatMap(({ options }) => options)];
    expect(optionsIn(cli.text).filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('docs/formats/audit.md', () => {
  it('has every type of record', () => {
    const source = read('packages/core/src/audit-event.ts');
    const types = [...source.matchAll(/'([a-z]+\.[a-z_]+)'/g)].map(([, type]) => type ?? '');
    const section = sections(readPage('docs/formats/audit.md')).get('8. What is recorded') ?? '';
    const rows = section.split('\n').map((line) => line.split('|')[1] ?? '');
    const documented = rows.flatMap((cell) => [...cell.matchAll(/`([a-z]+\.[a-z_]+)`/g)].map(([, type]) => type ?? ''));
    expect([...new Set(types)].sort()).toEqual(documented.sort());
  });
});

describe('an example', () => {
  const examples = pages.flatMap((page) =>
    blocks(page, 'sh')
      .flatMap(haspCalls)
      .map((argv) => [page.file, argv] as const),
  );

  it('stands in README and docs/cli.md', () => {
    for (const file of ['README.md', 'docs/cli.md'])
      expect(examples.filter(([from]) => from === file).length).toBeGreaterThan(15);
  });

  it.each(examples.map(([file, argv]) => [file, argv.join(' '), argv] as const))(
    'of %s: hasp %s',
    async (_file, _line, argv) => {
      expect((await parseArgv(argv)).kind).toBe(argv[0] === 'run' ? 'run' : 'command');
    },
  );

  it('in the help of each command parses, too', async () => {
    for (const { example } of COMMANDS)
      for (const argv of haspCalls(example)) expect((await parseArgv(argv)).kind).not.toBe('help');
  });

  it('in a sentence is of a command that is there', () => {
    const called = pages.flatMap(({ file, text }) =>
      codeSpans({ file, text })
        .filter((code) => /^hasp [a-z]/.test(code))
        .map((code) => ({ file, words: code.split(' ').slice(1) })),
    );
    const known = [...commands.map((command) => command.path.split(' ')), ['help']];
    const wrong = called.filter(
      ({ words }) => !known.some((command) => command.every((word, index) => word === words[index])),
    );
    expect(wrong).toEqual([]);
  });
});

describe('a link', () => {
  const links = pages.flatMap(innerLinks);

  it('leads to something that is there', () => {
    expect(links.filter((link) => !existsSync(path.join(root, link.path)))).toEqual([]);
  });

  it('to a heading finds it', () => {
    const toHeadings = links.filter(({ anchor, path: file }) => anchor !== undefined && file.endsWith('.md'));
    const wrong = toHeadings.filter(
      ({ path: file, anchor }) => ![...sections(readPage(file)).keys()].map(anchorOf).includes(anchor ?? ''),
    );
    expect(wrong).toEqual([]);
  });

  it('or a file of a package that a sentence names, is there', () => {
    const named = pages.flatMap((page) => codeSpans(page).filter((code) => /^[a-z-]+\/src\/\S+$/.test(code)));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((file) => !existsSync(path.join(root, 'packages', file)))).toEqual([]);
  });

  it('leads to every page of docs from another one', () => {
    const reached = new Set(links.filter(({ from, path: to }) => from !== to).map((link) => link.path));
    const lone = pages.filter(
      ({ file }) => file.startsWith('docs/') && !reached.has(file) && !reached.has(path.posix.dirname(file)),
    );
    expect(lone.map(({ file }) => file)).toEqual([]);
  });
});

describe('README.md', () => {
  it('begins with two commands: the quickstart, and the tests that CI runs', () => {
    const [first, second] = blocks(readPage('README.md'), 'sh');
    expect([first, second]).toEqual(['scripts/quickstart\n', 'npm test\n']);
    expect(statSync(path.join(root, 'scripts/quickstart')).mode & 0o111).toBe(0o111);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(read('.ci/run')).toMatch(/^npm run (?:--silent )?check\b/m);
    expect(scripts['check']).toMatch(/&& npm test$/);
  });
});

describe('docs/architecture.md', () => {
  it('is right about the places where a value is opened (I1)', () => {
    const sources = ['broker', 'cli'].flatMap((name) =>
      readdirSync(path.join(root, `packages/${name}/src`), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
        .map((file) => `packages/${name}/src/${file}`),
    );
    const openers = sources.filter((file) => /vault\.(?:get|everyValue)\(/.test(read(file)));
    expect(openers.sort()).toEqual([
      'packages/broker/src/decision.ts',
      'packages/broker/src/managed-finder.ts',
      'packages/broker/src/redaction.ts',
      // Compares what a session would inherit; hands nothing out.
      'packages/broker/src/session/withheld.ts',
      'packages/cli/src/commands/secret-reveal.ts',
      'packages/cli/src/diagnosis.ts',
    ]);
  });
});

describe('docs/manifest.md and the schema', () => {
  const schema = JSON.parse(read('packages/cli/src/hasp.schema.json')) as Schema;
  interface Schema {
    readonly properties: Readonly<Record<string, unknown>>;
    readonly $defs: Readonly<Record<string, { pattern: string; properties: Record<string, { enum?: string[] }> }>>;
  }
  /** What the command itself says it knows at this place. */
  const known = (text: string) => {
    try {
      parseManifest(text, 'hasp.json');
    } catch (error) {
      return /known here: ([^)]+)/.exec((error as Error).message)?.[1]?.split(', ');
    }
    return undefined;
  };
  const top = known('{"version":1,"?":1}') ?? [];
  const target = known('{"version":1,"targets":{"t":{"?":1}}}') ?? [];
  const accepts = (manifest: unknown) => {
    try {
      return parseManifest(JSON.stringify(manifest), 'hasp.json') !== undefined;
    } catch {
      return false;
    }
  };

  it('know the keys that the command knows', () => {
    expect(Object.keys(schema.properties).sort()).toEqual([...top].sort());
    expect(Object.keys(schema.$defs['target']?.properties ?? {}).sort()).toEqual([...target].sort());
    const keys = sections(readPage('docs/manifest.md')).get('Keys') ?? '';
    expect([...top, ...target].filter((key) => !keys.includes(`\`${key}\``))).toEqual([]);
  });

  it('know the words that the command knows', () => {
    for (const [key, { enum: words }] of Object.entries(schema.$defs['target']?.properties ?? {})) {
      for (const word of words ?? []) expect(accepts({ version: 1, targets: { t: { [key]: word } } })).toBe(true);
      if (words !== undefined) expect(accepts({ version: 1, targets: { t: { [key]: 'other' } } })).toBe(false);
    }
  });

  const agrees = (name: string, text: string, parse: (text: string) => unknown) => {
    let accepted = true;
    try {
      accepted = parse(text) !== false;
    } catch {
      accepted = false;
    }
    return new RegExp(schema.$defs[name]?.pattern ?? '', 'u').test(text) === accepted;
  };

  it.each(['a', 'db/url', 'a.b-c_d/e', '', '/a', 'a//b', '1a', 'a b', 'ä', 'a\n', '../a'])(
    'agree on the name %j',
    (text) => {
      expect(agrees('name', text, isName)).toBe(true);
    },
  );

  it.each(['hasp://a', 'hasp://db/url@3', 'hasp://a@0', 'hasp://a@', 'a', 'hasp://', 'hasp:///a', 'HASP://a'])(
    'agree on the reference %j',
    (text) => {
      expect(agrees('reference', text, parseReference)).toBe(true);
    },
  );

  it.each(['90s', '1.5h', '100ms', '2d', '5', '5 m', '-1s', '1w', ''])('agree on the duration %j', (text) => {
    expect(agrees('duration', text, parseDuration)).toBe(true);
  });

  it('has an example that the command reads', () => {
    const [example = ''] = blocks(readPage('docs/manifest.md'), 'json');
    expect([...parseManifest(example, 'hasp.json').targets.keys()]).toEqual(['test', 'publish', 'login']);
  });
});

describe('the JSON that docs/cli.md promises', () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.withSecrets({ 'db/url': 'first value', 'db/old': 'other value' });
    await box.ok(['project', 'init']);
  });
  afterAll(() => box.remove());

  /** The first level of `{a, b?, c: {…}}`; keys that may be missing are left out. */
  const promised = (command: string) => {
    const shape = /JSON(?: of `[^`]+`)?: `\{(.+?)\}`/s.exec(sections(cli).get(`hasp ${command}`) ?? '')?.[1] ?? '';
    let flat = shape.replace(/\s+/g, ' ');
    while (/[[{]/.test(flat)) flat = flat.replace(/\{[^{}]*\}|\[[^[\]{}]*\]/g, '');
    return flat
      .split(',')
      .map((key) => key.replace(/:.*/, '').trim())
      .filter((key) => !key.endsWith('?'));
  };

  it.each([
    ['secret set', ['db/url'], 'second value'],
    ['secret list', [], ''],
    ['secret show', ['db/url'], ''],
    ['secret history', ['db/url'], ''],
    ['secret rotate', ['db/url'], 'third value'],
    ['secret rename', ['db/old', 'db/older'], ''],
    ['secret rm', ['db/older'], ''],
    ['project show', [], ''],
    ['project trust', [], ''],
    ['project untrust', [], ''],
    ['run', ['-e', 'A=hasp://db/url', '--dry-run', '--json', '--', 'true'], ''],
    ['grants', [], ''],
    ['revoke', ['--all'], ''],
    ['audit verify', [], ''],
    ['audit checkpoint', [], ''],
    ['audit recover', [], ''],
    ['hook install', ['--global'], ''],
    ['doctor', [], ''],
    ['version', [], ''],
  ] as const)('of hasp %s is what it prints', async (command, words, stdin) => {
    const argv = [...command.split(' '), ...words];
    const text = await box.ok(argv.includes('--json') ? argv : [...argv, '--json'], { stdin });
    expect(Object.keys(JSON.parse(text) as object)).toEqual(expect.arrayContaining(promised(command)));
    expect(promised(command).length).toBeGreaterThan(0);
  });
});
