import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compileStarter } from './support/measure.ts';
import { HASP, type Outcome, Sandbox, type StartOptions } from './support/sandbox.ts';
import { type ScanReport, scanIn } from './support/scan.ts';

const VALUE = 'correct-horse-battery-staple';
const OLD = 'the-value-that-it-had-before';
const LEAK = `first line\n  key = ${VALUE}\n`;
const root = fileURLToPath(new URL('..', import.meta.url));
const isRoot = process.getuid?.() === 0;

let made: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  made = await Sandbox.withSecrets({ 'db/url': OLD });
  await made.set('db/url', VALUE);
});
afterAll(() => made.remove());
beforeEach(() => {
  box = made.clone();
  return () => box.remove();
});

const scan = (argv: readonly string[] = [], options: StartOptions = {}) => scanIn(box, argv, options);
const paths = ({ findings }: ScanReport): unknown[] => findings.map((finding) => finding['path']);
const git = (cwd: string, ...argv: string[]): Buffer =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main', ...argv], {
    cwd,
    stdio: 'pipe',
  });
const said = ({ status, stdout, stderr }: Outcome): unknown[] => [status, stdout.toString(), stderr.toString()];

describe('hasp scan', () => {
  it('tells where a value is, what it is called and what to do, and ends with 6', async () => {
    box.write('src/a.ts', LEAK);
    expect(said(await box.run(['scan']))).toEqual([
      6,
      'src/a.ts:2:9: db/url (raw)\n',
      'hasp: managed values in 1 place: db/url\n  → take them out; and what was committed or shared gets a new value: hasp secret rotate NAME\n',
    ]);
    const { status, stdout, stderr } = await box.run(['scan', '--json']);
    expect([status, JSON.parse(stdout.toString())]).toEqual([
      6,
      {
        findings: [
          { secret: 'db/url', spelling: 'raw', path: 'src/a.ts', line: 2, column: 9, offset: 19, where: 'content' },
        ],
        scanned: { files: 1, bytes: LEAK.length, objects: 0 },
        skipped: [],
        unwatched: [],
      },
    ]);
    expect(JSON.parse(stderr.toString())).toMatchObject({ error: { code: 'E_LEAK_FOUND' } });
  });

  it('ends with 0 where there is nothing to find', async () => {
    box.write('a', 'nothing\n');
    box.write('empty', '');
    expect(said(await box.run(['scan']))).toEqual([0, 'ok: no managed value in 2 files, 8 bytes\n', '']);
  });

  it('looks for earlier versions too, and calls them NAME@N', async () => {
    box.write('a', OLD);
    expect((await scan()).findings).toMatchObject([{ secret: 'db/url@1' }]);
  });

  it('tells of two secrets in one file, and of every name of one value', async () => {
    await box.set('alike', VALUE);
    await box.set('other', 'something-else-entirely');
    box.write('a', `${VALUE} something-else-entirely`);
    expect((await scan()).findings.map(({ secret }) => secret)).toEqual(['alike', 'db/url', 'other']);
  });

  it('looks into hidden files, and into what is named, be it a file or a folder', async () => {
    box.write('.env', LEAK);
    box.write('.hidden/deep/er', LEAK);
    box.write('clean/a', 'x');
    expect(paths(await scan())).toEqual(['.env', '.hidden/deep/er']);
    expect(paths(await scan(['.hidden/', 'clean']))).toEqual(['.hidden/deep/er']);
    expect(paths(await scan([path.join(box.cwd, '.env')]))).toEqual([path.join(box.cwd, '.env')]);
    expect((await scan(['clean'])).status).toBe(0);
  });

  it('finds a value in names and in where links lead, and follows only links that are named', async () => {
    box.write(`a-${VALUE}-b/deep/1`, 'x');
    box.write(`a-${VALUE}-b/deep/2`, 'x');
    box.write(`c/${VALUE}`, '');
    mkdirSync(path.join(box.cwd, `empty-${VALUE}`));
    symlinkSync(`/nowhere/${VALUE}`, path.join(box.cwd, 'link'));
    box.write('real/file', LEAK);
    symlinkSync('real', path.join(box.cwd, 'to-folder'));
    symlinkSync('real/file', path.join(box.cwd, 'to-file'));
    expect((await scan()).findings.map(({ path: shown, where }) => `${where} ${shown}`)).toEqual([
      'name a-[hasp:db/url]-b',
      'name c/[hasp:db/url]',
      'name empty-[hasp:db/url]',
      'link link',
      'content real/file',
    ]);
    expect(paths(await scan(['to-folder', 'to-file']))).toEqual(['to-file', 'to-folder/file']);
  });

  it('reads files with hostile names, and shows them so that they steer no terminal', async () => {
    const names = ['new\nline', 'quo\'te"', '-dash', '--all', ' ', 'esc\u001b[31m', 'ünï'].map((name) =>
      Buffer.from(name),
    );
    for (const name of [...names, Buffer.from('not\xffutf8', 'latin1')]) {
      writeFileSync(Buffer.concat([Buffer.from(`${box.cwd}/`), name]), LEAK);
    }
    mkdirSync(Buffer.from(`${box.cwd}/d\xfe`, 'latin1'));
    writeFileSync(Buffer.from(`${box.cwd}/d\xfe/e`, 'latin1'), LEAK);
    expect(new Set(paths(await scan()))).toEqual(new Set([...names.map(String), 'not\\xffutf8', 'd\\xfe/e']));
    const { stdout } = await box.run(['scan']);
    expect(stdout.toString().trimEnd().split('\n')).toHaveLength(9);
    expect(stdout.toString()).toContain('esc\\u001b[31m:2:9: db/url');
    expect(paths(await scan(['--', '-dash']))).toEqual(['-dash']);
  });

  it('neither opens nor waits for pipes, sockets and devices, and names them', async () => {
    execFileSync('mkfifo', [path.join(box.cwd, 'pipe')]);
    box.write('a', 'x');
    const { status, skipped } = await scan();
    expect([status, skipped]).toEqual([0, [{ path: 'pipe', why: 'is a pipe' }]]);
    expect((await scan(['pipe'])).status).toBe(5);
    expect((await scan(['/dev/zero'])).status).toBe(5);
  });

  it('looks into archives, and never calls clean what it can’t look into', async () => {
    box.write('a.gz', gzipSync(LEAK));
    expect((await scan()).findings).toMatchObject([{ path: 'a.gz!/(unpacked)', line: 2, column: 9 }]);
    box.write('a.gz', gzipSync('nothing'));
    expect((await scan()).status).toBe(0);
    box.write('a.gz', gzipSync('nothing'.repeat(99)).subarray(0, 20));
    box.write('b.xz', Buffer.from('fd377a585a000004', 'hex'));
    const { status, skipped } = await scan();
    expect([status, skipped]).toEqual([
      5,
      [
        { path: 'a.gz', why: 'is a gzip that is cut short' },
        { path: 'b.xz', why: 'is compressed with xz, which hasp can’t look into' },
      ],
    ]);
    const outcome = await box.run(['scan']);
    expect(said(outcome)).toEqual([5, '', expect.stringContaining('not looked into: b.xz is compressed with xz')]);
  });

  it('finds a value across every border of its reading buffer', async () => {
    for (const at of [262_144 - 10, 524_288 - 1, 3 * 262_144 - VALUE.length]) {
      box.write('a', Buffer.concat([Buffer.alloc(at, 'x\n'), Buffer.from(VALUE), Buffer.alloc(99_999)]));
      expect((await scan()).findings).toMatchObject([
        { offset: at, line: Math.floor(at / 2) + 1, column: (at % 2) + 1 },
      ]);
    }
  });

  it('reads 300 MB, or one line of 100 MB, in little memory', async () => {
    const file = box.write('big', '');
    truncateSync(file, 300 * 1024 * 1024);
    const end = openSync(file, 'a');
    writeSync(end, VALUE);
    closeSync(end);
    box.write('line', Buffer.concat([Buffer.alloc(100_000_000, 'x'), Buffer.from(VALUE)]));
    expect((await scan()).findings).toMatchObject([
      { path: 'big', line: 1, offset: 300 * 1024 * 1024 },
      { path: 'line', column: 100_000_001 },
    ]);
    const starter = compileStarter(root, box.tmp);
    const { stdout } = await box.other([starter, HASP, 'scan']);
    const [, kib, status] = stdout.toString().trim().split(' ').map(Number);
    expect(status).toBe(6);
    expect(Number(kib) / 1024).toBeLessThan(150);
  });

  it('says which file it may not read, and calls nothing clean', async () => {
    box.write('readable', 'x');
    box.write('closed', LEAK, 0);
    mkdirSync(path.join(box.cwd, 'folder'), { mode: 0 });
    const how = asNobody(box);
    const { status, skipped } = await scan([], how);
    chmodSync(path.join(box.cwd, 'folder'), 0o755);
    expect([status, skipped]).toEqual([
      5,
      [
        { path: 'closed', why: 'may not be read (EACCES)' },
        { path: 'folder', why: 'may not be read (EACCES)' },
      ],
    ]);
  });

  it('goes as deep as paths can be opened, and says what lies deeper', async () => {
    // Beyond what one path may have: made from folder to folder.
    const script = 'i=0; while [ $i -lt 60 ]; do mkdir -p "$0" && cd -P "$0" || exit; i=$((i+1)); done; echo deep >a';
    await box.other(['sh', '-c', script, 'd'.repeat(100)]);
    const { status, skipped } = await scan();
    expect([status, skipped.map(({ why }) => why)]).toEqual([5, ['lies too deep: its path is too long to open']]);
    await box.other(['rm', '-rf', 'd'.repeat(100)]);
  });

  it('leaves its own home out', async () => {
    mkdirSync(path.join(box.cwd, 'home'));
    const env = { HASP_HOME: path.join(box.cwd, 'home/hasp') };
    await box.ok(['init', '--key-file'], { env });
    await box.ok(['secret', 'set', 'x'], { env, stdin: VALUE });
    box.write('home/a', 'x');
    box.write('home/hasp/stray', LEAK, 0o600);
    expect((await scan([], { env })).scanned.files).toBe(1);
    git(box.cwd, 'init', '-q');
    expect((await scan([], { env })).scanned.files).toBe(1);
    expect((await scan(['home/hasp'], { env })).status).toBe(5);
  });
});

describe('hasp scan --stdin', () => {
  it('looks into what comes on stdin', async () => {
    const { status, findings } = await scan(['--stdin'], { stdin: LEAK });
    expect([status, findings]).toEqual([
      6,
      [{ secret: 'db/url', spelling: 'raw', offset: 19, line: 2, column: 9, where: 'stdin' }],
    ]);
    expect((await scan(['--stdin'], { stdin: 'x' })).status).toBe(0);
    const large = Buffer.concat([Buffer.alloc(3_000_000, 'x\n'), Buffer.from(LEAK)]);
    expect((await scan(['--stdin'], { stdin: large })).findings).toMatchObject([{ line: 1_500_002, column: 9 }]);
    expect((await scan(['--stdin'], { stdin: gzipSync(LEAK) })).findings).toMatchObject([
      { path: '(unpacked)', line: 2 },
    ]);
  });

  it('goes with no other place', async () => {
    for (const argv of [
      ['--stdin', '.'],
      ['--stdin', '--all'],
      ['--stdin', '--passphrase-fd', '0'],
    ]) {
      expect((await box.run(['scan', ...argv])).status).toBe(2);
    }
  });

  it('fails where stdin can not be read', async () => {
    const folder = await box.other(['sh', '-c', '"$0" scan --stdin < .', HASP]);
    expect(said(folder)).toEqual([5, '', expect.stringContaining('stdin could not be read (EISDIR)')]);
    expect((await box.other(['sh', '-c', '"$0" scan --stdin <&-', HASP])).status).toBe(2);
  });
});

describe('hasp scan, asked wrongly or in vain', () => {
  it('refuses what is not there, without repeating a value', async () => {
    const { status, stderr } = await box.run(['scan', `no/${VALUE}`]);
    expect([status, stderr.toString()]).toEqual([2, expect.stringContaining('there is no no/[hasp:db/url]')]);
  });

  it('says so where there is nothing to look for, or something that is too short', async () => {
    await box.ok(['secret', 'rm', 'db/url']);
    expect(said(await box.run(['scan']))).toEqual([0, '', 'hasp: no managed values to look for\n']);
    await box.set('tiny', 'short');
    expect(await scan()).toMatchObject({ status: 0, findings: [], unwatched: ['tiny'] });
    const { stderr } = await box.run(['scan']);
    expect(stderr.toString()).toContain('too short to be looked for: tiny');
  });

  it('fails as every command does where the vault is missing or locked', async () => {
    expect((await box.run(['scan'], { env: { HASP_HOME: path.join(box.root, 'none') } })).status).toBe(4);
    rmSync(path.join(box.home, 'vault.key'));
    expect((await box.run(['scan'])).status).toBe(3);
  });

  it('fails where its answer can not be written, and ends quietly where its reader has gone', async () => {
    box.write('a', LEAK);
    expect((await box.other(['sh', '-c', '"$0" scan >/dev/full', HASP])).status).toBe(5);
    expect((await box.other(['sh', '-c', '"$0" scan >&-', HASP])).status).toBe(6);
    for (let at = 0; at < 2_000; at += 1) box.write(`many/${'x'.repeat(60)}${at}`, LEAK);
    const { stdout, stderr } = await box.other(['bash', '-c', '"$0" scan | head -1; echo "${PIPESTATUS[0]}"', HASP]);
    expect([stdout.toString(), stderr.toString()]).toEqual(['a:2:9: db/url (raw)\n141\n', '']);
  });
});

/** Without the rights of root, by which every file can be read. */
function asNobody({ root: folder, home, cwd }: Sandbox): StartOptions {
  if (!isRoot) return {};
  const id = 65_534;
  chmodSync(folder, 0o755);
  execFileSync('chown', ['-R', `${id}:${id}`, home, cwd]);
  return {
    through: ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'],
  };
}
