import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

/** `UPDATE=1 npx vitest run --config test/vitest.config.ts test/help` writes the pages anew; then read the diff. */
const UPDATE = process.env['UPDATE'] !== undefined;
const GOLDEN = path.join(import.meta.dirname, 'golden');

let box: Sandbox;
let overview: string;
beforeAll(async () => {
  box = new Sandbox();
  overview = await box.ok(['--help']);
});
afterAll(() => box.remove());

/** The commands that the overview lists, each by its words: `secret set`. */
function commands(): string[][] {
  const lines = overview.split('\n').filter((line) => /^ {2}hasp [a-z]/.test(line));
  const paths = lines.map((line) => (/^ {2}hasp ((?:[a-z-]+ ?)+)/.exec(line)?.[1] ?? '').trim());
  const listed = overview.slice(0, overview.indexOf('First steps')).split('\n');
  return paths.filter((_, index) => listed.includes(lines[index] ?? '')).map((words) => words.split(' '));
}

function compare(name: string, text: string): void {
  const file = path.join(GOLDEN, `${name}.txt`);
  if (UPDATE) {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, 'utf8'));
}

it('is printed for hasp, hasp help, -h and --help alike, on stdout, with status 0', async () => {
  compare('hasp', overview);
  for (const argv of [[], ['help'], ['-h']]) {
    const { status, stdout, stderr } = await box.run(argv);
    expect([argv, status, stdout.toString(), stderr.toString()]).toEqual([argv, 0, overview, '']);
  }
});

it('has a page for every command, with usage, options and one worked example', async () => {
  const names: string[] = [];
  for (const command of commands()) {
    const text = await box.ok([...command, '--help']);
    names.push(command.join('-'));
    compare(command.join('-'), text);
    expect(text.startsWith(`Usage: hasp ${command.join(' ')}`)).toBe(true);
    expect(text).toMatch(/--json\b/);
    expect(text).toMatch(/--key-file\b/);
    expect(text).toMatch(/--passphrase-fd\b/);
    const examples = text
      .slice(text.indexOf('Examples:'))
      .split('\n')
      .slice(1)
      .filter((line) => line.trim() !== '');
    expect(examples).toHaveLength(1);
    expect(examples[0]).toContain(`hasp ${command.join(' ')}`);
  }
  expect(names.length).toBeGreaterThan(15);
  const pages = readdirSync(GOLDEN).map((file) => file.replace('.txt', ''));
  expect(pages.sort()).toEqual([...names, 'hasp'].sort());
});

it('has no colour and no more than 100 columns', async () => {
  const text = await box.ok(['run', '--help'], { env: { FORCE_COLOR: '1', COLUMNS: '500' } });
  expect(text).not.toContain('\u001b');
  for (const line of `${overview}${text}`.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});

it('lists a group’s commands', async () => {
  const group = await box.ok(['secret', '--help']);
  for (const name of ['set', 'list', 'show', 'rm', 'rename', 'history', 'rotate', 'reveal'])
    expect(group).toContain(`hasp secret ${name}`);
  expect(group).not.toContain('hasp run');
});

describe('what is not in the grammar', () => {
  const refuse = async (argv: readonly string[]) => {
    const { status, stdout, stderr } = await box.run(argv);
    expect(stdout.toString()).toBe('');
    expect(stderr.toString()).toMatch(/^hasp: [^\n]+\n {2}→ [^\n]+\n$/);
    return { status, text: stderr.toString() };
  };

  it.each([
    [['scret', 'list'], 'did you mean hasp secret?'],
    [['secret', 'lst'], 'did you mean hasp secret list?'],
    [['rnu', '--', 'true'], 'did you mean hasp run?'],
    [['audit', 'verfiy'], 'did you mean hasp audit verify?'],
    [['secret', 'list', '--jsno'], 'did you mean --json?'],
    [['secret', 'rotate', 'x', '--froget'], 'did you mean --forget?'],
    [['audit', 'log', '--secert', 'x'], 'did you mean --secret?'],
    [['secret'], 'see hasp secret --help'],
    [['quite-another-thing'], 'see hasp --help'],
    [['secret', 'rename', 'a'], 'usage: hasp secret rename NAME TO'],
    [['secret', 'list', 'more'], 'usage: hasp secret list'],
  ])('%j is 2, with what was meant', async (argv, hint) => {
    const { status, text } = await refuse(argv);
    expect(status).toBe(2);
    expect(text).toContain(hint);
  });

  it('is 125 under run', async () => {
    for (const argv of [
      ['run', '--jsno', '--', 'true'],
      ['run', 'true'],
      ['run'],
      ['run', '-e', 'A', 'true'],
      ['run', '-x', '--', 'true'],
    ]) {
      expect([argv, (await refuse(argv)).status]).toEqual([argv, 125]);
    }
  });

  it('is JSON on one line where JSON was asked for', async () => {
    const { status, stderr } = await box.run(['secret', 'lst', '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stderr.toString())).toEqual({
      error: { code: 'E_USAGE', message: 'no command "secret lst"', hint: 'did you mean hasp secret list?' },
    });
  });
});

describe('version and completion', () => {
  it('print the package’s version', async () => {
    const { version } = JSON.parse(
      readFileSync(path.join(import.meta.dirname, '../packages/cli/package.json'), 'utf8'),
    ) as { version: string };
    expect((await box.ok(['version'])).trim()).toContain(version);
    expect(await box.ok(['--version'])).toBe(await box.ok(['version']));
    expect(await box.json(['version'])).toMatchObject({ version });
  });

  it.each(['bash', 'zsh', 'fish'])('print a script for %s that the shell takes', async (shell) => {
    const script = await box.ok(['completion', shell]);
    expect(script).toContain('secret');
    if (shell === 'bash') {
      const complete = `${script}\nCOMP_WORDS=(hasp secret re); COMP_CWORD=2; _hasp; echo "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = await box.other(['bash', '-c', complete]);
      expect([stdout.toString(), stderr.toString()]).toEqual(['rename reveal\n', '']);
    }
    expect((await box.run(['completion', 'csh'])).status).toBe(2);
  });
});

it('is not what an unknown option before the command gets: that is named', async () => {
  for (const argv of [['--wat'], ['--wat', 'secret', 'list'], ['secret', '--wat', 'show', 'x']]) {
    const { status, stderr } = await box.run(argv);
    expect([argv, status, stderr.toString()]).toEqual([argv, 2, 'hasp: no option --wat\n  → see --help\n']);
  }
});
