import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASP, Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'status-test-value' });
});
afterAll(() => box.remove());

const run = (...command: string[]) => box.run(['run', '-e', 'KEY=hasp://api/key', '--', ...command]);
const shell = (script: string) => run('sh', '-c', script);

describe('the exit status is the child’s own', () => {
  it.each([0, 1, 2, 7, 124, 125, 126, 127, 128, 200, 255])('%i', async (code) => {
    const { status, stdout, stderr } = await shell(`exit ${code}`);
    expect({ status, stdout: stdout.length, stderr: stderr.toString() }).toEqual({
      status: code,
      stdout: 0,
      stderr: '',
    });
  });

  it('lets the child say what failed, and adds nothing', async () => {
    const { status, stdout, stderr } = await shell('echo out; echo broken >&2; exit 3');
    expect([status, stdout.toString(), stderr.toString()]).toEqual([3, 'out\n', 'broken\n']);
  });
});

describe('a child that a signal killed', () => {
  it.each([
    ['INT', 130],
    ['TERM', 143],
    ['HUP', 129],
    ['PIPE', 141],
  ] as const)('SIG%s kills the wrapper too', async (name, seen) => {
    const { status, signal, stderr } = await shell(`kill -${name} $$`);
    expect({ status, signal, stderr: stderr.toString() }).toEqual({ status: null, signal: `SIG${name}`, stderr: '' });
    const inShell = await box.other([
      'bash',
      '-c',
      '"$0" run -e KEY=hasp://api/key -- sh -c "kill -$1 \\$\\$"; echo $?',
      HASP,
      name,
    ]);
    expect(inShell.stdout.toString()).toBe(`${seen}\n`);
  });

  it.each([
    ['KILL', 137],
    ['SEGV', 139],
    ['ABRT', 134],
    ['QUIT', 131],
    ['USR1', 138],
    ['ALRM', 142],
  ] as const)('SIG%s gives %i', async (name, expected) => {
    const { status, signal, stderr } = await shell(`ulimit -c 0; kill -${name} $$`);
    expect({ status, signal, stderr: stderr.toString() }).toEqual({ status: expected, signal: null, stderr: '' });
  });

  it('stops a loop of the shell if it died of Ctrl-C, and not if it took Ctrl-C as its own', async () => {
    const loop = 'for i in 1 2 3; do "$0" run -e KEY=hasp://api/key -- sh -c "$1"; done; echo after';
    const dies = await box.other(['bash', '-c', loop, HASP, 'echo turn; kill -INT 0; sleep 60']);
    expect([dies.signal, dies.stdout.toString()]).toEqual(['SIGINT', 'turn\n']);
    const handles = await box.other(['bash', '-c', loop, HASP, 'trap "echo kept; exit 0" INT; kill -INT 0; sleep 60']);
    expect([handles.status, handles.stdout.toString()]).toEqual([0, 'kept\nkept\nkept\nafter\n']);
  });
});

describe('a command that can’t be run', () => {
  it('is 127 if it is not there', async () => {
    for (const command of ['no-such-command-here', './not/here', '/nowhere/at/all', '']) {
      const { status, stdout, stderr } = await run(command);
      expect([command, status, stdout.length]).toEqual([command, 127, 0]);
      expect(stderr.toString()).toMatch(/^hasp: .*not found\n {2}→ .*\n$/);
    }
  });

  it('is 126 if it is no program', async () => {
    const plain = box.write('plain', 'data', 0o644);
    const folder = path.dirname(plain);
    for (const command of [plain, './plain', folder, '/etc/passwd/x/..']) {
      const { status, stderr } = await run(command);
      if (command.includes('passwd')) expect([126, 127]).toContain(status);
      else expect([command, status]).toEqual([command, 126]);
      expect(stderr.toString()).toMatch(/^hasp: .*\n {2}→ .*\n$/);
    }
  });

  it('is 127 if its interpreter is not there, 126 if its format is unknown', async () => {
    const script = box.write('script', '#!/no/such/interpreter\n', 0o755);
    expect((await run(script)).status).toBe(127);
    const garbage = box.write('garbage', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 2, 3]), 0o755);
    expect((await run(garbage)).status).toBe(126);
  });

  it('ends its grants in the log', async () => {
    await run(box.write('script2', '#!/no/such/interpreter\n', 0o755));
    const records = (await box.log()).slice(-2);
    expect(records.map(({ type, endReason }) => [type, endReason])).toEqual([
      ['grant.issued', undefined],
      ['grant.ended', 'spawn-failed'],
    ]);
  });

  it('finds it as a shell does: by PATH of the user, passing over what is not executable', async () => {
    box.write('first/tool', 'no program', 0o644);
    chmodSync(box.write('second/tool', '#!/bin/sh\necho second', 0o755), 0o755);
    const env = { PATH: `${box.cwd}/first:${box.cwd}/second:${process.env['PATH']}` };
    const { stdout } = await box.run(['run', '-e', 'KEY=hasp://api/key', '--', 'tool'], { env });
    expect(stdout.toString()).toBe('second\n');
    expect(existsSync(path.join(box.cwd, 'tool'))).toBe(false);
  });
});

describe('what is hasp’s own is 125', () => {
  it.each([
    [['run', '-e', 'KEY=hasp://no/such/secret', '--', 'true']],
    [['run', '--no-such-flag', '--', 'true']],
    [['run', '-e', 'KEY=hasp://api/key', '--ttl', 'soon', '--', 'true']],
    [['run', '-e', 'KEY=hasp://api/key', '--']],
    [['run', '--key-file', '/nowhere', '-e', 'KEY=hasp://api/key', '--', 'true']],
    [['--json', 'run', '--no-such-flag', '--', 'true']],
  ])('%j', async (argv) => {
    const { status, stdout, stderr } = await box.run(argv);
    expect([status, stdout.toString()]).toEqual([125, '']);
    expect(stderr.toString()).toMatch(/^(hasp: .*\n( {2}→ .*\n)?|\{"error":\{.*\}\}\n)$/);
  });
});
