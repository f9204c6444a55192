import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASP, Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'hardening-test-value' });
});
afterAll(() => box.remove());

const GRANT = ['-e', 'KEY=hasp://api/key'];

describe('what the environment would make Node do', () => {
  it('does not happen in hasp, and reaches the child', async () => {
    const hostile = box.write(
      'hostile.cjs',
      'require("fs").appendFileSync(process.env.TRACE, process.argv[1] + "\\n")',
    );
    const trace = path.join(box.cwd, 'trace');
    const env = { NODE_OPTIONS: `--require ${hostile}`, TRACE: trace };
    const script = box.write('child.cjs', 'process.stdout.write(process.env.NODE_OPTIONS)');
    const { status, stdout } = await box.run(['run', ...GRANT, '--', 'node', script], { env });
    expect([status, stdout.toString()]).toEqual([0, env.NODE_OPTIONS]);
    expect(readFileSync(trace, 'utf8')).toBe(`${script}\n`);
    await box.ok(['secret', 'list'], { env });
    await box.run(['--help'], { env });
    expect(readFileSync(trace, 'utf8')).toBe(`${script}\n`);
  });

  it('is not printed by NODE_DEBUG either', async () => {
    const env = { NODE_DEBUG: 'child_process,fs,module,net', NODE_DEBUG_NATIVE: 'wasi' };
    const { stderr, stdout } = await box.run(['run', ...GRANT, '--', 'sh', '-c', 'echo $NODE_DEBUG'], { env });
    expect([stdout.toString(), stderr.toString()]).toEqual(['child_process,fs,module,net\n', '']);
  });

  it('is named by doctor', async () => {
    const report = await box.json<{ checks: { name: string; detail: string }[] }>(['doctor'], {
      env: { NODE_OPTIONS: '--no-warnings' },
    });
    expect(report.checks.find(({ name }) => name === 'launch')?.detail).toContain('NODE_OPTIONS');
  });

  it('is nothing where shell start-up files are named', async () => {
    const file = box.write('rc', 'touch "$TRACE"; exit 3');
    const env = {
      BASH_ENV: file,
      ENV: file,
      TRACE: path.join(box.cwd, 'rc-ran'),
      'BASH_FUNC_exec%%': '() { touch "$TRACE"; }',
      'BASH_FUNC_printf%%': '() { touch "$TRACE"; }',
    };
    await box.ok(['secret', 'list'], { env });
    expect(existsSync(env.TRACE)).toBe(false);
  });
});

describe('SIGUSR1', () => {
  it('at any moment of the start opens no debugger', async () => {
    for (let delay = 0; delay <= 120; delay += 8) {
      const looked = box.start(['run', ...GRANT, '--', 'sh', '-c', 'trap "" USR1; echo ready; exec sleep 60']);
      await new Promise((resolve) => setTimeout(resolve, delay));
      looked.child.kill('SIGUSR1');
      const alive = await Promise.race([looked.printed('ready').then(() => true), looked.ended.then(() => false)]);
      if (alive) {
        expect([delay, listeningPorts(looked.pid)]).toEqual([delay, []]);
        looked.child.kill('SIGTERM');
      }
      const { stderr } = await looked.ended;
      expect(stderr.toString()).not.toMatch(/debugger listening/i);
    }
  });
});

describe('the wrapper', () => {
  it('has no value and no key in its own environment or arguments, and keeps the vault closed to the child', async () => {
    const env = { HASP_KEY_FILE: path.join(box.home, 'vault.key') };
    const running = box.start(
      ['run', ...GRANT, '--', 'sh', '-c', 'ls -l /proc/$$/fd | grep -c "$HASP_HOME"; echo ready; exec sleep 60'],
      { env },
    );
    await running.printed('ready');
    for (const name of ['environ', 'cmdline']) {
      const text = readOr(`/proc/${running.pid}/${name}`);
      expect(text).not.toContain('hardening-test-value');
    }
    running.child.kill('SIGTERM');
    expect((await running.ended).stdout.toString()).toBe('0\nready\n');
  });

  it('can’t be traced, dumped or read by others of the same user', async () => {
    const running = box.start(['run', ...GRANT, '--', 'sh', '-c', 'echo ready; exec sleep 60']);
    await running.printed('ready');
    // The kernel gives the files of a process that is not dumpable to root.
    const owner = await box.other(['stat', '-c', '%u', `/proc/${running.pid}/mem`]);
    expect(owner.stdout.toString()).toBe('0\n');
    if (process.getuid?.() !== 0) expect(() => readFileSync(`/proc/${running.pid}/environ`)).toThrow(/EACCES|EPERM/);
    running.child.kill('SIGTERM');
    await running.ended;
  });

  it('leaves the child dumpable, as it would be', async () => {
    const { stdout } = await box.run(['run', ...GRANT, '--', 'sh', '-c', 'stat -c %u /proc/$$/environ; ulimit -c']);
    const bare = await box.other(['sh', '-c', 'stat -c %u /proc/$$/environ; ulimit -c']);
    expect(stdout.toString()).toBe(bare.stdout.toString());
  });

  it('can be called by a link, by PATH and from any folder', async () => {
    await box.other(['ln', '-s', HASP, path.join(box.cwd, 'linked')]);
    for (const argv of [
      ['./linked'],
      ['env', `PATH=${path.dirname(HASP)}:${process.env['PATH']}`, 'hasp'],
      ['sh', '-c', 'cd / && exec "$0" "$@"', HASP],
    ]) {
      const { status, stdout } = await box.other([...argv, 'run', ...GRANT, '--', 'echo', 'hello']);
      expect([argv[0], status, stdout.toString()]).toEqual([argv[0], 0, 'hello\n']);
    }
  });
});

function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/**
 * Ports on which the process listens, by its sockets and the kernel's table (field 4 is 0A: LISTEN).
 * An ordinary user can't see its sockets; then the two ports are looked at that a debugger could have.
 */
function listeningPorts(pid: number): number[] {
  const inodes = socketsOf(pid);
  const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n'));
  return rows
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A')
    .map((fields) => ({ port: Number.parseInt(fields[1]?.split(':')[1] ?? '0', 16), inode: fields[9] ?? '' }))
    .filter(({ port, inode }) => (inodes === undefined ? [9229, 1024].includes(port) : inodes.has(inode)))
    .map(({ port }) => port);
}

function socketsOf(pid: number): Set<string> | undefined {
  try {
    const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOr(`/proc/${pid}/fd/${fd}`));
    return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  } catch {
    return undefined;
  }
}

function linkOr(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
