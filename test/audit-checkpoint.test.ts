import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { logFile, logLines } from './support/log-lines.ts';
import { copyFolder, filesBelow, Sandbox } from './support/sandbox.ts';

const SCRIPT = fileURLToPath(new URL('../docs/examples/verify-checkpoint.sh', import.meta.url));

const VECTORS = path.join(import.meta.dirname, 'vectors');

interface Report {
  readonly ok: boolean;
  readonly checkpoint?: { readonly ok: boolean; readonly seq: number; readonly problem?: { readonly code: string } };
  readonly problem?: { readonly code: string; readonly seq: number; readonly offset: number };
}

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-a' });
  await model.ok(['run', '-e', 'X=hasp://a', '--', 'true']);
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const log = () => logFile(box);
const lines = () => logLines(box);
const work = () => box.ok(['run', '-e', 'X=hasp://a', '--', 'true']);

async function checkpoint(name = 'checkpoint'): Promise<string> {
  const file = path.join(box.cwd, name);
  await box.ok(['audit', 'checkpoint', '--out', file]);
  return file;
}

async function verify(file: string): Promise<{ status: number | null; report: Report }> {
  const { status, stdout, stderr } = await box.run(['audit', 'verify', '--checkpoint', file, '--json']);
  expect(stderr.toString()).toBe('');
  return { status, report: JSON.parse(stdout.toString()) as Report };
}

describe('hasp audit checkpoint', () => {
  it('prints a signed note of the end of the log, and says on stderr what the public key is for', async () => {
    const { status, stdout, stderr } = await box.run(['audit', 'checkpoint']);
    const last = JSON.parse(lines().at(-1) ?? '') as { seq: number; mac: string };
    const [origin, size, , seq, mac, time, empty, signature, end, ...more] = stdout.toString().split('\n');
    expect([status, empty, end, more]).toEqual([0, '', '', []]);
    expect(origin).toMatch(/^hasp\.audit\/[0-9a-f]{32}$/);
    expect([size, seq, mac]).toEqual([String(statSync(log()).size), `seq ${last.seq}`, `mac ${last.mac}`]);
    expect(time).toMatch(/^time 20\d\d-/);
    expect(signature).toMatch(/^— hasp\.vault\/[0-9a-f]{32} [A-Za-z0-9+/]{91}=$/);
    expect(stderr.toString()).toMatch(/^hasp: .*--public-key\n$/);
  });

  it('gives facts and public key as JSON, and with --public-key the PEM alone', async () => {
    const answer = await box.json<Record<string, unknown>>(['audit', 'checkpoint']);
    expect(Object.keys(answer).sort()).toEqual(
      ['chain', 'checkpoint', 'mac', 'publicKey', 'seq', 'sha256', 'size', 'time'].sort(),
    );
    const { pem, verifierKey } = answer['publicKey'] as { pem: string; verifierKey: string };
    expect(verifierKey).toMatch(/^hasp\.vault\/[0-9a-f]{32}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/);
    const only = await box.run(['audit', 'checkpoint', '--public-key']);
    expect([only.stdout.toString(), only.stderr.toString()]).toEqual([pem, '']);
  });

  it('changes nothing in the home', async () => {
    const files = () => filesBelow(box.home).filter((file) => !path.basename(file).startsWith('vault.db'));
    const state = () => files().map((file) => [file, readFileSync(file, 'hex'), statSync(file).mtimeMs]);
    const before = state();
    await checkpoint();
    expect(state()).toEqual(before);
  });

  it('signs nothing of a log that does not verify', async () => {
    writeFileSync(
      log(),
      `${lines()
        .with(2, lines()[2]?.replace('"uid":', '"uid":1') ?? '')
        .join('\n')}\n`,
    );
    const { status, stdout, stderr } = await box.run(['audit', 'checkpoint', '--out', path.join(box.cwd, 'none')]);
    expect([status, stdout.toString()]).toEqual([6, '']);
    expect(stderr.toString()).toMatch(/^hasp: the log is broken at record 3/);
    expect(readdirSync(box.cwd)).toEqual([]);
  });

  it('is a moment of a log that grows meanwhile', async () => {
    const working = Promise.all([work(), work(), work()]);
    const made = await Promise.all([checkpoint('1'), checkpoint('2'), checkpoint('3')]);
    await working;
    for (const file of made) expect((await verify(file)).report.ok).toBe(true);
  });

  it('writes a file that others can read, replaces an earlier checkpoint, and nothing else', async () => {
    const file = await checkpoint();
    expect(statSync(file).mode & 0o777).toBe(0o644);
    await work();
    const before = readFileSync(file, 'utf8');
    await checkpoint();
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    symlinkSync('checkpoint', path.join(box.cwd, 'latest'));
    await checkpoint('latest');
    const other = box.write('notes.txt', 'my notes\n');
    mkdirSync(path.join(box.cwd, 'folder'));
    for (const [taken, code] of [
      [other, 'E_EXISTS'],
      [path.join(box.cwd, 'folder'), 'E_EXISTS'],
      [path.join(box.cwd, 'not/there'), 'E_STORAGE'],
    ]) {
      const { status, stderr } = await box.run(['audit', 'checkpoint', '--out', taken ?? '', '--json']);
      expect([status, stderr.toString()]).toEqual([code === 'E_EXISTS' ? 2 : 5, expect.stringContaining(code ?? '')]);
    }
    expect(readFileSync(other, 'utf8')).toBe('my notes\n');
    expect(readdirSync(box.cwd).sort()).toEqual(['checkpoint', 'folder', 'latest', 'notes.txt']);
  });

  it('is refused inside an agent session', async () => {
    const { status, stderr } = await box.run(['audit', 'checkpoint', '--json'], { env: { HASP_SESSION: 'x' } });
    expect([status, stderr.toString()]).toEqual([3, expect.stringContaining('E_AGENT_SESSION')]);
  });
});

describe('hasp audit verify --checkpoint', () => {
  it('proves that the log goes on from there', async () => {
    const file = await checkpoint();
    await work();
    const { status, report } = await verify(file);
    expect(status).toBe(0);
    expect(report).toMatchObject({ ok: true, checkpoint: { ok: true, seq: 4 } });
    expect(await box.ok(['audit', 'verify', '--checkpoint', file])).toMatch(/^ok: 6 records, .* from record 4/);
  });

  it('finds that the whole home, vault and key included, was put back to an earlier copy', async () => {
    const backup = path.join(box.root, 'backup');
    copyFolder(box.home, backup);
    await work();
    const file = await checkpoint();
    rmSync(box.home, { recursive: true });
    copyFolder(backup, box.home);
    expect((await box.run(['audit', 'verify'])).status).toBe(0);
    const { status, report } = await verify(file);
    expect(status).toBe(6);
    expect(report.problem).toMatchObject({ code: 'checkpoint-ahead', seq: 6, offset: statSync(log()).size });
    // And when it has grown beyond the checkpoint again.
    for (let runs = 0; runs < 3; runs++) await work();
    expect((await verify(file)).report.problem?.code).toBe('checkpoint-bytes');
  });

  it('leaves log and seal that were put back to the vault’s mark, and says so of the checkpoint too', async () => {
    const names = ['audit.jsonl', 'audit.seal'];
    const kept = new Map(names.map((name) => [name, readFileSync(path.join(box.home, name))]));
    await work();
    const file = await checkpoint();
    for (const [name, bytes] of kept) writeFileSync(path.join(box.home, name), bytes);
    const { status, report } = await verify(file);
    expect([status, report.problem?.code]).toEqual([6, 'rolled-back']);
    expect(report.checkpoint).toMatchObject({ ok: false, problem: { code: 'checkpoint-ahead' } });
    const text = await box.run(['audit', 'verify', '--checkpoint', file]);
    expect(text.stderr.toString()).toMatch(/rolled-back[\s\S]*checkpoint-ahead/);
  });

  it('finds a checkpoint of another vault, and a changed one', async () => {
    const file = await checkpoint();
    const other = await Sandbox.withSecrets();
    const foreign = path.join(box.cwd, 'foreign');
    await other.ok(['audit', 'checkpoint', '--out', foreign]);
    other.remove();
    expect((await verify(foreign)).report.problem?.code).toBe('checkpoint-other-key');
    writeFileSync(file, readFileSync(file, 'utf8').replace('seq 4', 'seq 3'));
    expect((await verify(file)).report.problem?.code).toBe('checkpoint-changed');
  });

  it.each([
    ['is no checkpoint', () => box.write('file', 'hello\n'), 2, 'E_USAGE'],
    ['is huge', () => box.write('file', 'x'.repeat(70_000)), 2, 'E_USAGE'],
    ['is a folder', () => box.cwd, 2, 'E_USAGE'],
    ['is not there', () => path.join(box.cwd, 'not-there'), 5, 'E_STORAGE'],
  ])('refuses a file that %s, before it asks for a key', async (_what, make, expected, code) => {
    rmSync(path.join(box.home, 'vault.key'));
    const { status, stderr } = await box.run(['audit', 'verify', '--checkpoint', make(), '--json']);
    expect([status, stderr.toString()]).toEqual([expected, expect.stringContaining(code)]);
  });
});

describe('docs/examples/verify-checkpoint.sh', () => {
  let note: string;
  let key: string;
  beforeEach(async () => {
    note = await checkpoint();
    key = box.write('vault.pem', await box.ok(['audit', 'checkpoint', '--public-key']));
  });

  /** With openssl, sha256sum and coreutils alone; no hasp, no home. */
  async function check(copy: string, shell: readonly string[] = ['sh']) {
    const tools = path.join(box.root, 'tools');
    mkdirSync(tools, { recursive: true });
    for (const name of ['openssl', 'sha256sum', 'head', 'tail', 'sed', 'cut', 'mktemp', 'rm', ...shell.slice(0, 1)]) {
      const { stdout } = await box.other(['sh', '-c', `command -v ${name}`]);
      rmSync(path.join(tools, name), { force: true });
      symlinkSync(stdout.toString().trim(), path.join(tools, name));
    }
    const argv = [path.join(tools, shell[0] ?? ''), ...shell.slice(1), SCRIPT, copy, note, key];
    const { status, stdout, stderr } = await box.other(argv, { env: { PATH: tools, HASP_HOME: undefined } });
    expect(readdirSync(box.tmp)).toEqual([]);
    return { status, said: `${stdout}${stderr}` };
  }
  /** @returns the log, which is as it was */
  function spoil(file: string): string {
    writeFileSync(file, 'hello\n');
    return log();
  }
  const copyOf = (bytes: string | Buffer) => box.write('copy.jsonl', bytes);

  it('says OK of a good copy, also when the log went on', async () => {
    expect(await check(copyOf(readFileSync(log())))).toMatchObject({ status: 0 });
    await work();
    const grown = await check(copyOf(readFileSync(log())), ['bash', '--posix']);
    expect(grown).toEqual({ status: 0, said: expect.stringMatching(/signature: good[\s\S]*size[\s\S]*hash[\s\S]*OK/) });
  });

  it.each([
    ['a changed byte', () => copyOf(readFileSync(log(), 'latin1').replace('"uid":', '"uie":')), 'hash'],
    ['a cut log', () => copyOf(readFileSync(log()).subarray(0, -1)), 'size'],
    ['an empty log', () => copyOf(''), 'chain'],
    ['a log whose head was cut', () => copyOf(lines().slice(1).join('\n')), 'chain'],
  ])('says that %s is wrong', async (_what, make, where) => {
    expect(await check(make())).toEqual({ status: 1, said: expect.stringContaining(`WRONG: ${where}`) });
  });

  it('says that another key, and a changed note, is wrong before it looks at the log', async () => {
    const other = await Sandbox.withSecrets();
    writeFileSync(key, await other.ok(['audit', 'checkpoint', '--public-key']));
    other.remove();
    expect(await check(log())).toEqual({ status: 1, said: expect.stringMatching(/^WRONG: signature.*not signed/) });
    writeFileSync(key, await box.ok(['audit', 'checkpoint', '--public-key']));
    writeFileSync(note, readFileSync(note, 'utf8').replace(/^seq 4$/m, 'seq 3'));
    expect(await check(log())).toEqual({ status: 1, said: expect.stringMatching(/^WRONG: signature.*changed/) });
  });

  it('says OK of the frozen log and checkpoint of test/vectors', async () => {
    const frozen = (name: string) =>
      JSON.parse(readFileSync(path.join(VECTORS, name), 'utf8')) as Record<string, string>;
    const { checkpoint: text = '', publicKey = '' } = frozen('checkpoint.json');
    writeFileSync(note, text);
    writeFileSync(key, publicKey);
    expect(await check(copyOf(frozen('audit.json')['log'] ?? ''))).toMatchObject({ status: 0 });
  });

  it('takes a note that others have signed too', async () => {
    appendFileSync(note, '— witness.example AAAAAAAAAAAA\n');
    expect(await check(log())).toMatchObject({ status: 0 });
    expect((await verify(note)).report.ok).toBe(true);
  });

  it.each([
    ['no such log', () => path.join(box.cwd, 'none')],
    ['a note that is none', () => spoil(note)],
    ['a key that is none', () => spoil(key)],
    ['a log that is a folder', () => box.cwd],
  ])('says that it could not check: %s', async (_what, make) => {
    expect(await check(make())).toEqual({ status: 2, said: expect.stringMatching(/^cannot check: /) });
  });
});
