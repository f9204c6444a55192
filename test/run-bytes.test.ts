import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASP, Sandbox, until } from './support/sandbox.ts';

const SECRET = `bytes-${randomBytes(12).toString('hex')}`;
const GRANT = ['-e', 'KEY=hasp://api/key'];
let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': SECRET });
});
afterAll(() => box.remove());

const run = (options: readonly string[], ...command: string[]) =>
  box.run(['run', ...GRANT, ...options, '--', ...command]);
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('output without a secret in it', () => {
  it.each(['auto', 'always', 'never'])('is the child’s, byte for byte, with --redact %s', async (mode) => {
    const data = randomBytes(1 << 20);
    const file = box.write(`random-${mode}`, data);
    const { status, stdout, stderr } = await run(['--redact', mode], 'sh', '-c', 'cat "$0"; cat "$0" >&2', file);
    expect([status, sha(stdout), sha(stderr)]).toEqual([0, sha(data), sha(data)]);
  });

  it('keeps 50 MB for a reader that sleeps, in flat memory', async () => {
    const script = `sleep 4; sha256sum`;
    const writeAll =
      'const fs=require("fs");const b=Buffer.alloc(1e6,"0123456789abcdef");for(let i=0;i<50;i++)for(let d=0;d<b.length;)d+=fs.writeSync(1,b,d)';
    const pipeline = `"$0" run ${GRANT.join(' ')} -- node -e "$1" | { ${script}; }; echo \${PIPESTATUS[0]}`;
    const running = box.startOther(['bash', '-c', pipeline, HASP, writeAll]);
    const peak = await peakWhile(running.ended, running.pid);
    const { stdout } = await running.ended;
    const expected = sha(Buffer.concat(Array.from({ length: 50 }, () => Buffer.alloc(1e6, '0123456789abcdef'))));
    expect(stdout.toString()).toBe(`${expected}  -\n0\n`);
    expect(peak).toBeGreaterThan(20);
    expect(peak).toBeLessThan(110);
  });

  it('keeps the order of stdout and stderr when both go into one pipe', async () => {
    const lines = Array.from({ length: 200 }, (_, index) => index);
    const script = lines.map((index) => `echo ${index}${index % 3 === 0 ? ' >&2' : ''}`).join('\n');
    const joined = `exec 2>&1; exec "$@"`;
    const { stdout } = await box.other(['sh', '-c', joined, 'sh', HASP, 'run', ...GRANT, '--', 'sh', '-c', script]);
    expect(stdout.toString()).toBe(`${lines.join('\n')}\n`);
  });

  it('may be written to /dev/stdout and /dev/stderr', async () => {
    const { status, stdout, stderr } = await run(
      [],
      'sh',
      '-c',
      'echo a >/dev/stdout; echo b >/dev/stderr; echo c >>/dev/stdout',
    );
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, 'a\nc\n', 'b\n']);
  });

  it('goes into a file at the place where the file stands', async () => {
    const file = box.write('appended', 'before\n');
    const script = `exec "$0" run ${GRANT.join(' ')} -- sh -c 'echo one; echo two' >>"$1"`;
    await box.other(['sh', '-c', script, HASP, file]);
    expect(readFileSync(file, 'utf8')).toBe('before\none\ntwo\n');
  });

  it('is not held back until the child ends', async () => {
    const running = box.start(['run', ...GRANT, '--', 'sh', '-c', 'echo ready; exec sleep 60']);
    await running.printed('ready\n');
    running.child.kill('SIGTERM');
    expect((await running.ended).signal).toBe('SIGTERM');
  });

  it('has an end when the reader goes away: no stack trace, and SIGPIPE as the shell sees it', async () => {
    const script = `"$0" run ${GRANT.join(' ')} -- yes | head -n 1; echo \${PIPESTATUS[0]}`;
    const { stdout, stderr } = await box.other(['bash', '-c', script, HASP]);
    expect([stdout.toString(), stderr.toString()]).toEqual(['y\n141\n', '']);
  });

  it('that a full disk did not take is told, and no success', async () => {
    const script = `"$0" run ${GRANT.join(' ')} -- sh -c "echo out; exit $1" >/dev/full; echo $? >&2`;
    for (const [code, expected] of [
      ['0', '125'],
      ['3', '3'],
    ] as const) {
      const { stderr } = await box.other(['bash', '-c', script, HASP, code]);
      expect(stderr.toString()).toBe(`hasp: output could not be written (ENOSPC)\n${expected}\n`);
    }
  });

  it('may be closed from the start', async () => {
    const script = `"$0" run ${GRANT.join(' ')} -- sh -c 'exit 5' >&- 2>&- <&-; echo $?`;
    const { stdout } = await box.other(['bash', '-c', script, HASP]);
    expect(stdout.toString()).toBe('5\n');
  });
});

describe('stdin', () => {
  it('reaches the child untouched, binary and large', async () => {
    const data = randomBytes(3_000_000);
    const { stdout } = await box.run(['run', ...GRANT, '--', 'sha256sum'], { stdin: data });
    expect(stdout.toString()).toBe(`${sha(data)}  -\n`);
  });

  it('is left where the child left it', async () => {
    const file = box.write('lines', 'one\ntwo\nthree\n');
    const script = `{ "$0" run ${GRANT.join(' ')} -- true; cat; } <"$1"`;
    const { stdout } = await box.other(['sh', '-c', script, HASP, file]);
    expect(stdout.toString()).toBe('one\ntwo\nthree\n');
  });
});

describe('a value in the output', () => {
  it('is masked in stdout and stderr', async () => {
    const { stdout, stderr } = await run([], 'sh', '-c', 'echo "a $KEY b"; echo "$KEY$KEY" >&2');
    expect(stdout.toString()).toBe('a [hasp:api/key] b\n');
    expect(stderr.toString()).toBe('[hasp:api/key][hasp:api/key]\n');
  });

  it('is masked when it comes in two writes with a pause between', async () => {
    const script = 'printf %s "$A"; sleep 0.4; printf "%s\\n" "$B"';
    const env = { A: `x${SECRET.slice(0, 9)}`, B: `${SECRET.slice(9)}y` };
    const { stdout } = await box.run(['run', ...GRANT, '--', 'sh', '-c', script], { env });
    expect(stdout.toString()).toBe('x[hasp:api/key]y\n');
  });

  it('is masked byte by byte', async () => {
    const script =
      'const fs=require("fs");for(const b of Buffer.from("<"+process.env.KEY+">"))fs.writeSync(1,Buffer.from([b]))';
    const { stdout } = await run([], 'node', '-e', script);
    expect(stdout.toString()).toBe('<[hasp:api/key]>');
  });

  it('is left alone with --redact never', async () => {
    const { stdout } = await run(['--redact', 'never'], 'sh', '-c', 'echo $KEY');
    expect(stdout.toString()).toBe(`${SECRET}\n`);
  });

  it('stands in front of a prompt only as long as it could be a value', async () => {
    const running = box.start(['run', ...GRANT, '--', 'sh', '-c', 'printf "%s" "Password: "; exec sleep 60']);
    await running.printed('Password: ');
    running.child.kill('SIGTERM');
    await running.ended;
  });
});

/** The largest resident size, in MiB, of a process below `ancestor` that runs hasp's bundle. */
async function peakWhile(ended: Promise<unknown>, ancestor: number): Promise<number> {
  let peak = 0;
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await until(
    'the end of the run',
    () => {
      for (const pid of childrenOf(ancestor)) peak = Math.max(peak, residentMiB(pid));
      return over;
    },
    50_000,
  );
  return peak;
}

function childrenOf(pid: number): string[] {
  try {
    return readFileSync(path.join('/proc', String(pid), 'task', String(pid), 'children'), 'utf8')
      .split(' ')
      .filter(Boolean);
  } catch {
    return [];
  }
}

function residentMiB(pid: string): number {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hasp.cjs')) return 0;
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
