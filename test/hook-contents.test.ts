import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VALUE } from './support/commit-cases.ts';
import { Repository } from './support/repository.ts';
import { Sandbox } from './support/sandbox.ts';

let box: Sandbox;
let repo: Repository;

beforeEach(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE });
  repo = new Repository(box, 'r').guard();
});
afterEach(() => box.remove());

const stage = (text: string | Uint8Array): void => {
  repo.write('file', text);
  repo.do('add', 'file');
};
const commit = (env: Record<string, string> = {}, message = 'more') => repo.git(['commit', '-qm', message], { env });

/** In MiB. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

describe('contents', () => {
  const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
    const bytes = Buffer.from(text, 'utf16le');
    return order === 'le' ? bytes : bytes.swap16();
  };
  it.each([
    ['base64', Buffer.from(`user:${VALUE}`).toString('base64')],
    ['base64url', Buffer.from(`ab${VALUE}`).toString('base64url')],
    ['hex', Buffer.from(VALUE).toString('hex').toUpperCase()],
    ['UTF-16 LE with its mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16(`k=${VALUE}`, 'le')])],
    ['UTF-16 BE without', utf16(`k=${VALUE}`, 'be')],
  ])('in %s', async (_name, text) => {
    stage(typeof text === 'string' ? `x: ${text}\n` : text);
    const { status, stderr } = await commit();
    expect([status, stderr.toString()]).toEqual([1, expect.stringMatching(/^hasp: db\/password \(.+\) in file/)]);
  });

  it.each(['base64', 'base64 -w 64', 'base64 -w 60'])(
    'of a file that was encoded by %s, wherever a line ends',
    async (tool) => {
      const places = Array.from({ length: 57 }, (_, at) => at);
      for (const before of places) {
        const file = `${'-'.repeat(before)}password: ${VALUE}\nand: more\n`;
        repo.write(`file${before}`, execFileSync('sh', ['-c', tool], { input: file }));
      }
      repo.do('add', '.');
      const { status } = await commit();
      const report = await box.run(['scan', '--staged', '--json'], { cwd: repo.folder });
      const { findings } = JSON.parse(report.stdout.toString()) as { findings: { path: string }[] };
      const found = findings.map((finding) => Number(finding.path.slice('file'.length)));
      expect([status, found.sort((a, b) => a - b)]).toEqual([1, places]);
    },
  );

  it('that are packed and can’t be unpacked pass both hooks, which name them and say what to do', async () => {
    repo.addRemote('origin');
    const packed = gzipSync('nothing');
    stage(packed.subarray(0, packed.length - 3));
    const said =
      'hasp: not looked into: file is a gzip that is cut short\nhasp: let through all the same: unpack it, and look: hasp scan FOLDER\n';
    const done = await commit();
    expect([done.status, done.stderr.toString()]).toEqual([0, said]);
    const pushed = await repo.git(['push', '-q', 'origin', 'main']);
    expect([pushed.status, pushed.stderr.toString()]).toEqual([0, said]);
    for (let at = 0; at < 30; at += 1)
      repo.write(`many/${at}`, Buffer.concat([packed.subarray(0, -3), Buffer.from([at])]));
    repo.write('many/leak', VALUE);
    repo.do('add', 'many');
    const stopped = await commit();
    expect(stopped.status).toBe(1);
    expect(stopped.stderr.toString()).toContain('hasp: and 10 more, not looked into\nhasp: db/password in many/leak:1');
    expect(stopped.stderr.toString()).not.toContain('let through');
  });

  it('of 300 MB in bounded memory', async () => {
    const file = path.join(repo.folder, 'file');
    const descriptor = openSync(file, 'w');
    ftruncateSync(descriptor, 300_000_000);
    writeSync(descriptor, VALUE, 299_999_900);
    closeSync(descriptor);
    repo.do('-c', 'core.bigFileThreshold=1m', '-c', 'core.compression=0', 'add', 'file');
    const running = box.start(['hook', 'pre-commit'], { cwd: repo.folder });
    let isOver = false;
    let peak = 0;
    const over = running.ended.finally(() => {
      isOver = true;
    });
    // Git maps the file into its own memory, which is not ours.
    while (!isOver) {
      peak = Math.max(peak, peakOf(running.pid));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const { status, stderr } = await over;
    expect([status, stderr.toString()]).toEqual([6, expect.stringContaining('db/password in file:1')]);
    expect(peak).toBeGreaterThan(30);
    expect(peak).toBeLessThan(150);
    rmSync(file);
  });
});

describe('Git LFS', () => {
  beforeEach(() => {
    repo.addRemote('origin');
    for (const kind of ['clean', 'smudge'] as const) repo.do('config', `filter.lfs.${kind}`, `git-lfs ${kind} -- %f`);
    repo.write('.gitattributes', '*.big filter=lfs diff=lfs merge=lfs -text\n');
  });
  const objects = (): string[] =>
    readdirSync(path.join(repo.folder, '.git/lfs/objects'), { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(repo.folder, '.git/lfs/objects', name))
      .filter((file) => statSync(file).isFile());

  it('a value in the file behind a pointer is found, before the commit and before the push', async () => {
    repo.write('x.big', `start\n${VALUE}\n`);
    repo.do('add', '-A');
    expect(repo.do('show', ':x.big')).toMatch(/^version https:\/\/git-lfs/);
    const done = await commit();
    expect([done.status, done.stderr.toString()]).toEqual([1, expect.stringMatching(/db\/password in x\.big/)]);
    repo.do('commit', '-qm', 'by force');
    const pushed = await repo.git(['push', '-q', 'origin', 'main']);
    expect([pushed.status, pushed.stderr.toString()]).toEqual([
      1,
      expect.stringMatching(/db\/password in x\.big.*commit/),
    ]);
  });

  it('a clean one passes, and one that is not here does not', async () => {
    repo.write('x.big', 'clean\n');
    repo.do('add', '-A');
    expect((await commit()).status).toBe(0);
    for (const file of objects()) {
      chmodSync(file, 0o644);
      rmSync(file);
    }
    const { status, stderr } = await repo.git(['push', '-q', 'origin', 'main']);
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('could not be checked')]);
  });
});
