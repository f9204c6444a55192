import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { homeBytes, refusedImport, secretIn } from './support/importing.ts';
import { HASP, Sandbox, type StartOptions } from './support/sandbox.ts';

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ KEPT: 'what-was-there' });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

interface Imported {
  readonly imported: readonly { readonly name: string; readonly version: number }[];
  readonly skipped: readonly { readonly name: string; readonly version: number }[];
  readonly import?: string;
  readonly plaintext?: { readonly file: string; readonly values: number; readonly tracked: boolean };
}

const secretOf = (reference: string) => secretIn(box, reference);
const refusal = (argv: readonly string[], how: StartOptions = {}) => refusedImport(box, argv, how);

const importJson = (argv: readonly string[], how: StartOptions = {}) =>
  box.json<Imported>(['secret', 'import', ...argv], how);

const names = async () =>
  (await box.json<{ secrets: { name: string; version: number }[] }>(['secret', 'list'])).secrets.map(
    ({ name, version }) => `${name}@${version}`,
  );

const DOTENV = `\ufeff# settings\r
export DB_URL="postgres://u:p@db/x?a=1#frag" # primary\r
\r
TOKEN = abc#def # trailing\r
MESSAGE='it is "quoted"'\r
PEM="-----BEGIN KEY-----\r
line two\r
-----END KEY-----"\r
ESCAPED="one\\ntwo"\r
EXPANDED=\${DB_URL}/more\r
EMPTY=\r
TOKEN="abc#def"\r
`;

describe('secret import', () => {
  it('stores every value of a .env file, byte for byte, and says what a person should know', async () => {
    box.write('.env', DOTENV, 0o600);
    const { status, stdout, stderr } = await box.run(['secret', 'import', '.env']);
    expect([status, stdout.toString()]).toEqual([0, '']);
    expect(stderr.toString().split('\n')).toEqual([
      'hasp: kept as written, for nothing is expanded in them: EXPANDED',
      'hasp: a # without a blank in front was taken as part of the value of: TOKEN',
      'hasp: empty values: EMPTY',
      'hasp: imported 7 secrets',
      'hasp: .env still holds 7 values in plaintext: delete it, it is no longer needed',
      '',
    ]);
    const expected = {
      DB_URL: 'postgres://u:p@db/x?a=1#frag',
      TOKEN: 'abc#def',
      MESSAGE: 'it is "quoted"',
      PEM: '-----BEGIN KEY-----\nline two\n-----END KEY-----',
      ESCAPED: 'one\ntwo',
      EXPANDED: '${DB_URL}/more',
      EMPTY: '',
    };
    for (const [name, value] of Object.entries(expected)) expect([name, await secretOf(name)]).toEqual([name, value]);
    expect(await secretOf('KEPT')).toBe('what-was-there');
  });

  it('takes JSON, flat and nested, from stdin, with a prefix', async () => {
    const json = JSON.stringify({ db: { url: 'postgres://x', port: 5432 }, debug: false });
    const { imported, plaintext } = await importJson(['-', '--prefix', 'web'], { stdin: json });
    expect(imported.map(({ name }) => name)).toEqual(['web/db/url', 'web/db/port', 'web/debug']);
    expect(plaintext).toBeUndefined();
    expect([await secretOf('web/db/url'), await secretOf('web/db/port'), await secretOf('web/debug')]).toEqual([
      'postgres://x',
      '5432',
      'false',
    ]);
  });

  it('tells the format by --format, by the ending, by the first byte', async () => {
    const json = '\ufeff \n{"A":"from-json"}';
    box.write('settings', json);
    box.write('settings.json', '{"B":"from-json"}');
    box.write('odd.json', 'C=from-env');
    for (const argv of [['settings'], ['settings.json'], ['odd.json', '--format', 'env']]) await importJson(argv);
    expect(await names()).toEqual(['A@1', 'B@1', 'C@1', 'KEPT@1']);
    expect(await refusal(['odd.json'])).toBe('2 odd.json:1:1: expected a value');
    expect(await refusal(['settings', '--format', 'yaml'])).toBe('2 --format is one of env, json');
    expect(await refusal(['settings', '--on-conflict', 'merge'])).toBe(
      '2 --on-conflict is one of skip, overwrite, fail',
    );
  });

  it('takes what another command prints, by a pipe or as a file', async () => {
    const script = `printf 'A=by-pipe-1' | "$0" secret import - && "$0" secret import /dev/fd/3 3<<X
B=by-here-document
X
printf 'D=by-redirection' >redirected; "$0" secret import /dev/stdin <redirected
(sleep 0.2; printf 'C=by-late-pipe') | "$0" secret import /dev/stdin`;
    const { status, stderr } = await box.other(['sh', '-ec', script, HASP]);
    expect([status, stderr.toString()]).toEqual([0, 'hasp: imported 1 secret\n'.repeat(4)]);
    expect([await secretOf('A'), await secretOf('B'), await secretOf('C')]).toEqual([
      'by-pipe-1',
      'by-here-document',
      'by-late-pipe',
    ]);
  });
});

describe('a name that exists', () => {
  it('fails the whole import, and is named', async () => {
    box.write('a.env', 'NEW=x\nKEPT=y', 0o600);
    expect(await refusal(['a.env'])).toBe('2 KEPT exists already, and nothing was imported');
    const many = Array.from({ length: 13 }, (_, at) => `S${at}=value-of-it`).join('\n');
    await importJson(['-'], { stdin: many });
    expect(await refusal(['-'], { stdin: `${many}\nNEW=x` })).toBe(
      `2 ${Array.from({ length: 10 }, (_, at) => `S${at}`).join(', ')} and 3 more exist already, and nothing was imported`,
    );
  });

  it('is kept with skip, and gets a new version with overwrite', async () => {
    box.write('a.env', 'NEW=first-new\nKEPT=other', 0o600);
    const { status, stderr } = await box.run(['secret', 'import', 'a.env', '--on-conflict', 'skip']);
    expect(status).toBe(0);
    expect(stderr.toString()).toContain('hasp: imported 1 secret, skipped 1 that exist already\n');
    expect(stderr.toString()).toContain('a.env still holds 2 values in plaintext: 1 of them not imported');
    expect([await secretOf('NEW'), await secretOf('KEPT')]).toEqual(['first-new', 'what-was-there']);
    expect(await importJson(['a.env', '--on-conflict', 'skip'])).toMatchObject({
      imported: [],
      skipped: [
        { name: 'NEW', version: 1 },
        { name: 'KEPT', version: 1 },
      ],
    });
    const { imported, skipped } = await importJson(['a.env', '--on-conflict', 'overwrite']);
    expect([imported, skipped]).toEqual([
      [
        { name: 'NEW', version: 2 },
        { name: 'KEPT', version: 2 },
      ],
      [],
    ]);
    expect([await secretOf('KEPT'), await secretOf('KEPT@1')]).toEqual(['other', 'what-was-there']);
  });
});

describe('--dry-run', () => {
  it('tells what would become of each name, never a value, and changes no byte', async () => {
    box.write('a.env', 'NEW=canary-value\nKEPT=canary-value', 0o600);
    const before = homeBytes(box);
    const dry = (...more: string[]) => box.run(['secret', 'import', 'a.env', '--dry-run', ...more]);
    const overwrite = await dry('--on-conflict', 'overwrite');
    expect([overwrite.status, overwrite.stdout.toString()]).toEqual([
      0,
      'NAME  VERSION\nNEW   1        new\nKEPT  2        new version\n',
    ]);
    const skip = await dry('--on-conflict', 'skip', '--json');
    expect([skip.status, JSON.parse(skip.stdout.toString())]).toEqual([
      0,
      {
        dryRun: true,
        imported: [{ name: 'NEW', version: 1 }],
        skipped: [{ name: 'KEPT', version: 1 }],
        conflicts: [],
      },
    ]);
    const fail = await dry('--json');
    expect([fail.status, JSON.parse(fail.stdout.toString())]).toMatchObject([
      2,
      { imported: [{ name: 'NEW' }], conflicts: [{ name: 'KEPT', version: 1 }] },
    ]);
    expect(fail.stderr.toString()).toContain('"E_EXISTS"');
    for (const { stdout, stderr } of [overwrite, skip, fail]) expect(`${stdout}${stderr}`).not.toContain('canary');
    expect(homeBytes(box)).toEqual(before);
  });
});

describe('the file that holds the plaintext', () => {
  const notes = async (file: string) => (await box.run(['secret', 'import', file])).stderr.toString();

  it('is said to be tracked by git, also behind a link, and to be readable by others', async () => {
    const git = (...argv: string[]) => execFileSync('git', argv, { cwd: box.cwd, env: box.environment });
    git('init', '-q');
    box.write('sub/[a].env', 'A=value-of-a', 0o640);
    box.write('sub/a.env', 'B=value-of-b', 0o600);
    git('add', 'sub/[a].env');
    symlinkSync('sub/[a].env', path.join(box.cwd, 'link.env'));
    const file = path.join(box.cwd, 'sub/[a].env');
    const said = await notes('link.env');
    expect(said).toContain(`hasp: git tracks ${file}, so its history holds them too: `);
    expect(said).toContain(`${file} still holds 1 value in plaintext: delete it`);
    chmodSync(path.join(box.cwd, 'sub/[a].env'), 0o644);
    const { plaintext } = await importJson(['sub/[a].env', '--on-conflict', 'skip']);
    expect(plaintext).toEqual({ file, values: 1, tracked: true });
    const other = await notes('sub/a.env');
    expect(other).not.toMatch(/git|read by others/);
    expect(other).toContain('sub/a.env still holds 1 value in plaintext: delete it, it is no longer needed');
    box.write('c.env', 'C=value-of-c', 0o644);
    expect(await notes('c.env')).toContain('hasp: c.env can be read by others (mode 0644)\n');
  });

  it('is named where there is no git at all', async () => {
    box.write('c.env', 'C=value-of-c', 0o600);
    const { status, stderr } = await box.run(['secret', 'import', 'c.env'], {
      env: { PATH: path.dirname(process.execPath) },
    });
    expect([status, stderr.toString()]).toEqual([0, expect.stringContaining('c.env still holds 1 value')]);
  });
});

describe('the log', () => {
  it('has a record for each secret, which belong together, in one row', async () => {
    const { import: id } = await importJson(['-', '--on-conflict', 'overwrite'], {
      stdin: 'A=value-of-a\nKEPT=new-value',
    });
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    const records = await box.log('--type', 'secret.imported');
    expect(records.map(({ secret, version, import: of }) => [secret, version, of])).toEqual([
      ['A', 1, id],
      ['KEPT', 2, id],
    ]);
    expect((await box.log('--secret', 'KEPT')).map(({ type }) => type)).toEqual(['secret.set', 'secret.imported']);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 4 });
    expect(await box.ok(['audit', 'log', '--secret', 'A'])).toContain(`import=${id}`);
  });
});

describe('a large import', () => {
  it('of 10,000 values takes less than 5 s of processor time, and every one is there', async () => {
    const values = Array.from({ length: 10_000 }, () => randomBytes(16).toString('hex'));
    box.write('large.env', values.map((value, at) => `S${at}="${value}"`).join('\n'), 0o600);
    const { status, stdout, stderr } = await box.other([
      'bash',
      '-c',
      '"$0" secret import large.env --json; times',
      HASP,
    ]);
    expect([status, stderr.toString()]).toEqual([0, '']);
    const [answer = '', , children = ''] = stdout.toString().split('\n');
    const [user = Number.NaN, system = Number.NaN] = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
    );
    expect(user + system).toBeLessThan(5);
    expect((JSON.parse(answer) as Imported).imported).toHaveLength(10_000);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true, records: 10_002 });
    expect(await names()).toHaveLength(10_001);
    for (const at of [0, 4_711, 9_999]) expect(await secretOf(`S${at}`)).toBe(values[at]);
  });

  it('of a value of 1 MiB keeps each byte', async () => {
    const value = randomBytes(512 * 1024).toString('hex');
    await importJson(['-'], { stdin: JSON.stringify({ A: value }) });
    expect(await secretOf('A')).toBe(value);
  });
});
