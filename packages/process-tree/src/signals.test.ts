import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ProcessIdentity } from '@hasp/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SuperviseOptions } from '../../../test/programs/supervise.ts';
import { readLog, until, Workshop } from '../../../test/programs/workshop.ts';

/** Prints "ready", then each signal it gets; ends at `end`. */
const WITNESS = `
for s in TERM HUP INT QUIT USR1 USR2; do trap "echo $s" $s; done
trap 'echo ALRM; exit 3' ALRM
echo ready
while :; do sleep 0.05; done`;

describe('signals', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());

  interface Running {
    readonly child: ChildProcess;
    readonly log: string;
    text(): string;
    readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  }

  /** On a terminal whose session it leads: a shell above it would be ended by its keys, and take the terminal along. */
  function startOnTerminal(command: string): Running {
    return start(['script', '-qec', `exec ${command}`, '/dev/null']);
  }

  /** A session of its own: no terminal. */
  function start(command: readonly string[], options: SuperviseOptions = {}, detached = true): Running {
    const log = workshop.newLog();
    const [program = '', ...args] = command;
    const environment = {
      ...process.env,
      SUPERVISE: JSON.stringify({ log, ...options }),
      HASP: workshop.hasp,
      WITNESS,
    };
    const child = spawn(program, args, { env: environment, detached, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal }));
    });
    return { child, log, text: () => text, ended };
  }

  /** The command's pid: the command may speak before the wrapper has told of it. */
  async function rootOf({ log }: Running): Promise<number> {
    const spawned = await until(() => readLog(log).entries.find((entry) => 'spawned' in entry)?.['spawned']);
    return (spawned as ProcessIdentity).pid;
  }

  it('TERM, HUP, USR1, USR2, and without a terminal INT and QUIT, reach the command at once', async () => {
    const running = start([workshop.hasp, 'bash', '-c', WITNESS]);
    await until(() => running.text().includes('ready'));
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const) {
      running.child.kill(signal);
      await until(() => running.text().includes(`\n${signal.slice(3)}\n`));
    }
    process.kill(await rootOf(running), 'SIGALRM');
    expect(await running.ended).toMatchObject({ code: 3 });
    expect(running.text().trim().split('\n')).toHaveLength(8);
  });

  it('a TERM between the hold and the spawn reaches the command right after it', async () => {
    const running = start([workshop.hasp, 'sleep', '20'], { delayMs: 400 });
    await until(() => readLog(running.log).entries.length > 0);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(readLog(running.log).end).toMatchObject({ exit: { signal: 'SIGTERM' } });
  });

  it('ends the wrapper by a kept signal where the spawn fails', async () => {
    const broken = path.join(workshop.folder, 'broken');
    writeFileSync(broken, '#!/nonexistent/interpreter\n', { mode: 0o755 });
    const running = start([workshop.hasp, broken], { delayMs: 400 });
    await until(() => readLog(running.log).entries.length > 0);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ signal: 'SIGTERM' });
  });

  it('one Ctrl-C at the terminal is one INT in the command', async () => {
    const running = startOnTerminal('"$HASP" bash -c "$WITNESS"');
    await until(() => running.text().includes('ready'));
    running.child.stdin?.write('\x03');
    await until(() => running.text().includes('INT'));
    running.child.stdin?.write('\x1c');
    await until(() => running.text().includes('QUIT'));
    process.kill(await rootOf(running), 'SIGALRM');
    await running.ended;
    expect(running.text().match(/INT/g)).toHaveLength(1);
    expect(running.text().match(/QUIT/g)).toHaveLength(1);
  });

  it('INT at the terminal is passed on to a command that has left our group', async () => {
    const running = startOnTerminal('"$HASP" setsid bash -c "$WITNESS"');
    await until(() => running.text().includes('ready'));
    running.child.stdin?.write('\x03');
    await until(() => running.text().includes('INT'));
    process.kill(await rootOf(running), 'SIGALRM');
    await running.ended;
  });

  it('Ctrl-Z and fg work as without the wrapper', async () => {
    const running = startOnTerminal('bash --norc -i');
    running.child.stdin?.write('PS1=; "$HASP" bash -c "$WITNESS"\n');
    await until(() => /^ready/m.test(running.text()));
    running.child.stdin?.write('\x1a');
    await until(() => running.text().includes('Stopped'));
    running.child.stdin?.write('fg >/dev/null; echo status $?\n');
    const pid = await rootOf(running);
    await until(() => !/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    process.kill(pid, 'SIGALRM');
    await until(() => running.text().includes('status 3'));
    running.child.stdin?.write('exit\n');
    await running.ended;
  });

  it('a command that stops itself stops the wrapper, and goes on with it', async () => {
    const running = startOnTerminal('bash --norc -i');
    running.child.stdin?.write(`PS1=; "$HASP" sh -c 'kill -TSTP $$; echo went on'\n`);
    await until(() => running.text().includes('Stopped'));
    running.child.stdin?.write('fg >/dev/null; echo status $?\nexit\n');
    await running.ended;
    expect(running.text()).toMatch(/went on[\s\S]*status 0/);
  });

  it('without a terminal a stopped command does not stop the wrapper', async () => {
    const running = start([workshop.hasp, 'bash', '-c', 'kill -STOP $$; exit 5']);
    const pid = await rootOf(running);
    await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    process.kill(pid, 'SIGCONT');
    expect(await running.ended).toMatchObject({ code: 5 });
  });

  it('USR1 at any moment of the start opens no debugger', async () => {
    for (let delay = 0; delay < 80; delay += 8) {
      const running = start([workshop.hasp, 'sh', '-c', 'trap "" USR1; sleep 0.3']);
      setTimeout(() => running.child.kill('SIGUSR1'), delay);
      const ready = until(() => readLog(running.log).entries.some((entry) => 'spawned' in entry));
      await Promise.race([ready, running.ended]);
      expect(hasDebugger(running.child.pid ?? 0)).toBe(false);
      const { code, signal } = await running.ended;
      // Before Node stood, USR1 ended the launcher, as it would have ended the command.
      expect([0, 'SIGUSR1', 138]).toContain(signal ?? code);
    }
  });

  it('an idle wrapper does not wake up', async () => {
    const running = start([workshop.hasp, 'sleep', '3']);
    const pid = running.child.pid ?? 0;
    await rootOf(running);
    const switches = (): number =>
      readdirSync(`/proc/${pid}/task`)
        .map((task) => readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))
        .reduce((sum, text) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1]), 0);
    // V8 still tidies up after the start.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = switches();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(switches() - before).toBeLessThanOrEqual(3);
    running.child.kill('SIGTERM');
    await running.ended;
  });
});

function hasDebugger(pid: number): boolean {
  const port = (9229).toString(16).toUpperCase();
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const sockets = rows
    .filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === '0A')
    .map((row) => row[9]);
  let open: string[];
  try {
    open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    // Not readable, as it should be; or gone. Another program's debugger would be taken for ours.
    return existsSync(`/proc/${pid}`) && sockets.length > 0;
  }
  return sockets.some((inode) => open.includes(`socket:[${inode}]`));
}
