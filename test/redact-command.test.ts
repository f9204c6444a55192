import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASP, Sandbox, until } from './support/sandbox.ts';

const SECRET = `redact-${randomBytes(12).toString('hex')}`;
const EARLIER = `earlier-${randomBytes(12).toString('hex')}`;
let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': EARLIER });
  await box.set('api/key', SECRET);
});
afterAll(() => box.remove());

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** `$0` is hasp. */
const bash = (script: string, ...words: string[]) => box.other(['bash', '-c', script, HASP, ...words]);

describe('hasp redact', () => {
  it('copies stdin to stdout and masks every version of every secret', async () => {
    const { status, stdout, stderr } = await box.run(['redact'], { stdin: `a ${SECRET} b ${EARLIER}\nc` });
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, 'a [hasp:api/key] b [hasp:api/key]\nc', '']);
  });

  it.each(['<&-', '</dev/null >&-'])('does not call it done where it can read or write nothing: %s', async (how) => {
    const { status, stderr } = await bash(`"$0" redact ${how}`);
    expect([status, stderr.toString()]).toEqual([2, expect.stringContaining('is closed')]);
  });

  it('masks a value in a longer text that base64 broke into lines', async () => {
    const script = `for n in $(seq 60); do { head -c $n /dev/zero; echo "key: $1"; echo rest; } | base64; done | "$0" redact`;
    const { status, stdout } = await bash(script, SECRET);
    expect([status, stdout.toString().split('[hasp:api/key]').length]).toEqual([0, 61]);
  });

  it.each([
    ['a file', '"$0" redact <"$1"'],
    ['a pipe', 'cat "$1" | "$0" redact'],
    ['a socket', 'python3 -IS -c "$2" "$0" redact <"$1"'],
    ['a pipe to a pipe', 'cat "$1" | "$0" redact | cat'],
  ])('keeps every other byte of %s', async (_, script) => {
    const before = randomBytes(3_000_000);
    const after = randomBytes(70_000);
    const file = box.write('binary', Buffer.concat([before, Buffer.from(SECRET), after]));
    const throughSocket = `import os,socket,sys
ours,theirs=socket.socketpair()
if os.fork()==0:
  theirs.close();ours.sendall(sys.stdin.buffer.read());os._exit(0)
ours.close();os.dup2(theirs.fileno(),0);os.execv(sys.argv[1],sys.argv[1:])`;
    const { stdout } = await bash(script, file, throughSocket);
    expect(sha(stdout)).toBe(sha(Buffer.concat([before, Buffer.from('[hasp:api/key]'), after])));
  });

  it('has nothing to say about nothing', async () => {
    const { status, stdout } = await bash('"$0" redact </dev/null');
    expect([status, stdout.toString()]).toEqual([0, '']);
  });

  it('shows a prompt without a newline, and masks a value that comes in two pieces', async () => {
    const running = box.start(['redact'], { openStdin: true });
    running.child.stdin?.write('Password: ');
    await running.printed('Password: ');
    running.child.stdin?.write(`x${SECRET.slice(0, 9)}`);
    await running.printed('Password: x');
    running.child.stdin?.end(`${SECRET.slice(9)}y`);
    expect((await running.ended).stdout.toString()).toBe('Password: x[hasp:api/key]y');
  });

  it('dies as cat would when its reader has gone', async () => {
    const { stdout, stderr } = await bash(`yes | "$0" redact | head -n 1; echo \${PIPESTATUS[*]}`);
    expect([stdout.toString(), stderr.toString()]).toEqual(['y\n141 141 0\n', '']);
  });

  it('tells of a full disk and of an input that is none', async () => {
    const full = await bash('echo x | "$0" redact >/dev/full');
    expect([full.status, full.stderr.toString()]).toEqual([5, 'hasp: output could not be written (ENOSPC)\n']);
    const folder = await bash('"$0" redact </');
    expect([folder.status, folder.stderr.toString()]).toEqual([5, 'hasp: input could not be read (EISDIR)\n']);
  });

  it('leaves what follows to who reads on', async () => {
    const file = box.write('lines', 'one\ntwo\n');
    const { stdout } = await bash('{ "$0" redact; echo x; cat; } <"$1"', file);
    expect(stdout.toString()).toBe('one\ntwo\nx\n');
  });

  it('does not make the pipes that it shares non-blocking', async () => {
    const show = 'for i in 0 1; do grep flags /proc/self/fdinfo/$i; done >&2';
    const { stderr } = await bash(`echo x | { ${show}; "$0" redact; ${show}; } | cat >/dev/null`);
    const flags = stderr.toString().split('\n').slice(0, 4);
    expect(flags.slice(2)).toEqual(flags.slice(0, 2));
  });

  it('stays small behind a reader that takes nothing, and loses nothing', async () => {
    const script = `head -c 60000000 /dev/zero | "$0" redact | { sleep 3; wc -c; }`;
    const running = box.startOther(['bash', '-c', script, HASP]);
    const sizes: number[] = [];
    let over = false;
    void running.ended.then(() => {
      over = true;
    });
    await until('its end', () => {
      const size = residentBelow(running.pid);
      if (size > 0) sizes.push(size);
      return over;
    });
    expect((await running.ended).stdout.toString().trim()).toBe('60000000');
    expect(sizes.length).toBeGreaterThan(20);
    expect(Math.max(...sizes)).toBeLessThan(110);
  });
});

describe('where the values can not be known', () => {
  it('nothing is read: a locked vault', async () => {
    const locked = await Sandbox.withSecrets({ 'api/key': SECRET });
    try {
      unlinkSync(path.join(locked.home, 'vault.key'));
      const file = locked.write('lines', 'one\ntwo\n');
      const script = '{ "$0" redact; echo $?; cat; } <"$1"';
      const { stdout, stderr } = await locked.other(['bash', '-c', script, HASP, file]);
      expect(stdout.toString()).toBe('3\none\ntwo\n');
      expect(stderr.toString()).toContain('hasp: ');
    } finally {
      locked.remove();
    }
  });

  it('nothing is read: no vault', async () => {
    const empty = new Sandbox();
    const file = empty.write('lines', 'one\n');
    const { stdout } = await empty.other(['bash', '-c', '{ "$0" redact; echo $?; cat; } <"$1"', HASP, file]);
    expect(stdout.toString()).toBe('4\none\n');
    empty.remove();
  });
});

/** MiB of the largest child that runs hasp's bundle. */
function residentBelow(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return Math.max(0, ...children.map((child) => residentMiB(child)));
  } catch {
    return 0;
  }
}

function residentMiB(pid: string): number {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hasp.cjs')) return 0;
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
