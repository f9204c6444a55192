import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, Sandbox } from './support/sandbox.ts';

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({
    'db/test': 'value-of-db-test',
    'npm/token': 'value-of-npm-token',
    other: 'value-of-other',
  });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const MANIFEST = {
  version: 1,
  project: 'web',
  env: { TOP: 'hasp://other' },
  targets: {
    all: { command: ['env'], env: { A: 'hasp://db/test', B: 'hasp://npm/token', C: 'hasp://other' } },
    one: { command: ['sh'], env: { A: 'hasp://db/test' } },
    longer: { command: ['sh', '-c'], env: { B: 'hasp://npm/token' } },
    files: {
      command: ['cat'],
      file: { F: 'hasp://db/test' },
      stdin: 'hasp://npm/token',
      ttl: '5m',
      grace: '1s',
      scope: 'root',
      stragglers: 'wait',
      redact: 'never',
      pristine: true,
    },
  },
  agents: { claude: { targets: ['one'] } },
};

const place = (manifest: unknown, folder = '.') =>
  box.write(path.join(folder, 'hasp.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
const trust = (cwd = box.cwd) => box.ok(['project', 'trust'], { cwd });

/** Which of the variables the child got, by name. */
async function granted(options: readonly string[], command: readonly string[], cwd = box.cwd): Promise<string> {
  const { status, stdout, stderr } = await box.run(['run', ...options, '--dry-run', '--json', '--', ...command], {
    cwd,
  });
  if (status !== 0) return (JSON.parse(stderr.toString()) as { error: { code: string } }).error.code;
  const { grants } = JSON.parse(stdout.toString()) as {
    grants: { variable?: string; delivery: string; secret: string; effect: string }[];
  };
  return grants
    .map(
      ({ variable, delivery, secret, effect }) => `${variable ?? delivery}=${secret}${effect === 'allow' ? '' : '!'}`,
    )
    .join(' ');
}

const codeOf = ({ stderr }: Outcome) => (JSON.parse(stderr.toString()) as { error: { code: string } }).error.code;

it('can not steer the terminal of who reads it before consenting', async () => {
  place({
    version: 1,
    targets: { t: { command: ['sh', '\u001b[1A\u001b[2K\u001b[8m\nhidden'], env: { A: 'hasp://other' } } },
  });
  const shown = await box.ok(['project', 'show']);
  expect(shown).toContain('  target t: sh \\u001b[1A\\u001b[2K\\u001b[8m\\u000ahidden\n    env A  hasp://other\n');
});

describe('which secrets a run gets', () => {
  beforeEach(async () => {
    place(MANIFEST);
    await trust();
  });

  it('is what the target with the longest matching command says, else the top level', async () => {
    expect(await granted([], ['env', '-0'])).toBe('A=db/test B=npm/token C=other');
    expect(await granted([], ['sh', 'x'])).toBe('A=db/test');
    expect(await granted([], ['sh', '-c', 'true'])).toBe('B=npm/token');
    expect(await granted([], ['true'])).toBe('TOP=other');
    expect(await granted([], ['envx'])).toBe('TOP=other');
  });

  it('is what --target names, to which flags add', async () => {
    expect(await granted(['--target', 'one'], ['true'])).toBe('A=db/test');
    expect(await granted(['--target', 'one', '-e', 'X=hasp://other'], ['true'])).toBe('A=db/test X=other');
    const typo = await box.run(['run', '--target', 'lnger', '--', 'true']);
    expect(typo.status).toBe(125);
    expect(typo.stderr.toString()).toMatch(/did you mean longer\?/);
  });

  it('is what the flags say alone, without --target', async () => {
    expect(await granted(['-e', 'X=hasp://db/test'], ['env'])).toBe('X=db/test');
  });

  it('is narrowed by --only and --except, of names that are there', async () => {
    expect(await granted(['--only', 'A,C'], ['env'])).toBe('A=db/test C=other');
    expect(await granted(['--except', 'A', '--except', 'C'], ['env'])).toBe('B=npm/token');
    expect(await granted(['--only', 'A,B', '--except', 'B'], ['env'])).toBe('A=db/test');
    expect(await granted(['--only', 'NOPE'], ['env'])).toBe('E_USAGE');
    expect(await granted(['--except', 'A,B,C'], ['env'])).toBe('E_NOTHING_GRANTED');
  });

  it('brings the target’s other settings, and is recorded with it', async () => {
    const { stdout, status } = await box.run(['run', '--', 'cat', '/proc/self/environ', '-'], {
      env: { EXTRA: 'yes' },
    });
    expect(status).toBe(0);
    expect(stdout.toString()).not.toContain('EXTRA=');
    expect(stdout.toString()).toMatch(/value-of-npm-token$/);
    const issued = await box.log('--type', 'grant.issued', '--project', 'web');
    expect(issued).toHaveLength(2);
    expect(issued[0]).toMatchObject({ project: 'web', target: 'files', stragglers: 'wait', rule: 'trusted-manifest' });
    const length = Date.parse(String(issued[0]?.['expiresAt'])) - Date.parse(String(issued[0]?.['time']));
    expect(length).toBeLessThanOrEqual(300_100);
  });

  it('is found from a folder below', async () => {
    mkdirSync(path.join(box.cwd, 'a/b'), { recursive: true });
    expect(await granted([], ['true'], path.join(box.cwd, 'a/b'))).toBe('TOP=other');
  });

  it('is nothing without a manifest', async () => {
    expect(await granted([], ['true'], box.tmp)).toBe('E_NOTHING_GRANTED');
    expect(await granted(['--target', 'one'], ['true'], box.tmp)).toBe('E_NO_PROJECT');
  });
});

describe('the search for the manifest', () => {
  it('stops at the top of the repository', async () => {
    place(MANIFEST);
    mkdirSync(path.join(box.cwd, 'repository/.git'), { recursive: true });
    mkdirSync(path.join(box.cwd, 'repository/below'));
    expect(await granted([], ['true'], path.join(box.cwd, 'repository/below'))).toBe('E_NOTHING_GRANTED');
    place(MANIFEST, 'repository');
    await trust(path.join(box.cwd, 'repository'));
    expect(await granted([], ['true'], path.join(box.cwd, 'repository/below'))).toBe('TOP=other');
  });

  it('stops at HOME', async () => {
    writeFileSync(path.join(box.root, 'hasp.json'), JSON.stringify(MANIFEST));
    const below = path.join(box.root, 'user/project');
    mkdirSync(below);
    expect(await granted([], ['true'], below)).toBe('E_NOTHING_GRANTED');
  });

  it('takes the nearest', async () => {
    place(MANIFEST);
    place({ version: 1, env: { NEAR: 'hasp://other' } }, 'below');
    await trust(path.join(box.cwd, 'below'));
    expect(await granted([], ['true'], path.join(box.cwd, 'below'))).toBe('NEAR=other');
  });
});

describe('the consent', () => {
  const run = (cwd = box.cwd) => box.run(['run', '--json', '--', 'touch', 'started'], { cwd });

  it('must be given, is recorded, and names what it opens', async () => {
    place(MANIFEST);
    const refused = await run();
    expect([refused.status, codeOf(refused)]).toEqual([125, 'E_UNTRUSTED_PROJECT']);
    expect((await box.log('--type', 'grant.denied'))[0]).toMatchObject({ rule: 'untrusted-manifest', secret: 'other' });
    const given = await box.run(['project', 'trust']);
    expect(given.stderr.toString()).toMatch(/db\/test, npm\/token, other/);
    expect((await run()).status).toBe(0);
    expect((await box.log('--type', 'project.trusted'))[0]).toMatchObject({
      root: box.cwd,
      secrets: ['db/test', 'npm/token', 'other'],
    });
  });

  it('lapses when a byte of the manifest changes, and stands again when it is as before', async () => {
    const file = place(MANIFEST);
    await trust();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text} `);
    expect(codeOf(await run())).toBe('E_UNTRUSTED_PROJECT');
    expect(await box.json(['project', 'show'])).toMatchObject({ trust: 'changed' });
    writeFileSync(file, text);
    expect((await run()).status).toBe(0);
  });

  it('lapses when the folder moves, and binds the real path', async () => {
    place(MANIFEST, 'first');
    const first = path.join(box.cwd, 'first');
    const second = path.join(box.cwd, 'second');
    const link = path.join(box.cwd, 'link');
    await trust(first);
    symlinkSync(first, link);
    expect((await run(link)).status).toBe(0);
    renameSync(first, second);
    expect(codeOf(await run(second))).toBe('E_UNTRUSTED_PROJECT');
    place(MANIFEST, 'third');
    expect(codeOf(await run(path.join(box.cwd, 'third')))).toBe('E_UNTRUSTED_PROJECT');
  });

  it('can be withdrawn', async () => {
    place(MANIFEST);
    await trust();
    expect(await box.json(['project', 'untrust'])).toMatchObject({ withdrawn: true });
    expect(codeOf(await run())).toBe('E_UNTRUSTED_PROJECT');
    expect(await box.json(['project', 'untrust'])).toMatchObject({ withdrawn: false });
    expect(await box.log('--type', 'project.untrusted')).toHaveLength(1);
  });
});

describe('a manifest that says something else', () => {
  const PASTED = 'pasted-by-mistake-4711';

  it.each([
    ['a value instead of a reference', `{ "version": 1,\n  "env": { "A": "${PASTED}" } }`, 2, 17],
    ['a value in a target’s file', `{"version":1,"targets":{"t":{"file":{"A":"${PASTED}"}}}}`, 1, 42],
    ['a value in stdin', `{"version":1,"stdin":"${PASTED}"}`, 1, 22],
    ['a value in ask', `{"version":1,"ask":["${PASTED}"]}`, 1, 21],
    ['an unknown key', '{\n "version": 1,\n "environment": {} }', 3, 2],
    ['an unknown key of a target', '{"version":1,"targets":{"t":{"commands":["x"]}}}', 1, 30],
    ['a duplicate key', '{"version":1,\n"env":{},\n"env":{}}', 3, 1],
    ['a duplicate variable', '{"version":1,"env":{"A":"hasp://a",\n"A":"hasp://b"}}', 2, 1],
    ['a duplicate key spelled with an escape', '{"version":1,"env":{"A":"hasp://a",\n"\\u0041":"hasp://b"}}', 2, 1],
    ['no JSON', '{"version":1,\n}', 2, 1],
    ['a comment', '{"version":1 // one\n}', 1, 14],
    ['something behind', '{"version":1}\n{}', 2, 1],
    ['another version', '{"version":2}', 1, 12],
    ['no version', '{}', 1, 1],
    ['a command that is no list', '{"version":1,"targets":{"t":{"command":"npm test"}}}', 1, 40],
    ['a variable that is none', '{"version":1,"env":{"A B":"hasp://a"}}', 1, 21],
    ['a variable of hasp’s own', '{"version":1,"file":{"HASP_GRANT":"hasp://a"}}', 1, 22],
    ['a ttl that is none', '{"version":1,"targets":{"t":{"ttl":"soon"}}}', 1, 36],
    ['a choice that is none', '{"version":1,"targets":{"t":{"stragglers":"keep"}}}', 1, 43],
    ['a target that is not there', '{"version":1,"agents":{"a":{"targets":["t"]}}}', 1, 40],
  ])('%s is refused with its place and without its text', async (_what, text, line, column) => {
    const file = place(text);
    for (const argv of [
      ['run', '--', 'touch', 'started'],
      ['project', 'show'],
      ['project', 'trust'],
    ]) {
      const { status, stdout, stderr } = await box.run(argv);
      expect([argv, status, stdout.toString()]).toEqual([argv, argv[0] === 'run' ? 125 : 2, '']);
      expect(stderr.toString()).toContain(`hasp: ${file}:${line}:${column}: `);
      expect(stderr.toString()).not.toContain(PASTED);
    }
    const { stderr } = await box.run(['project', 'show', '--json']);
    expect(codeOf({ stderr } as Outcome)).toBe('E_MANIFEST_INVALID');
  });
});

describe('project init', () => {
  it('writes a manifest that names nothing, once, and works without a vault', async () => {
    const env = { HASP_HOME: path.join(box.root, 'nowhere') };
    const { file } = await box.json<{ file: string }>(['project', 'init'], { env });
    expect(file).toBe(path.join(box.cwd, 'hasp.json'));
    const again = await box.run(['project', 'init', '--json'], { env });
    expect([again.status, codeOf(again)]).toEqual([2, 'E_EXISTS']);
    await trust();
    expect(await box.json(['project', 'show'])).toMatchObject({ trust: 'trusted', secrets: [] });
    expect(await granted([], ['true'])).toBe('E_NOTHING_GRANTED');
  });
});

describe('project show', () => {
  it('lists what it opens, target by target', async () => {
    place({ ...MANIFEST, $schema: './node_modules/hasp/dist/hasp.schema.json' });
    expect(await box.json(['project', 'show'])).toMatchObject({
      project: 'web',
      trust: 'untrusted',
      secrets: ['db/test', 'npm/token', 'other'],
      grants: [{ delivery: 'env', variable: 'TOP', reference: 'hasp://other' }],
      targets: { one: { command: ['sh'], grants: [{ delivery: 'env', variable: 'A', reference: 'hasp://db/test' }] } },
    });
    const text = await box.ok(['project', 'show']);
    expect(text).toMatch(/not trusted on this machine: hasp project trust/);
  });
});
