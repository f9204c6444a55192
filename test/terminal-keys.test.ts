import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bareAndUnderHasp,
  CTRL_BACKSLASH,
  CTRL_C,
  CTRL_Z,
  compileIn,
  inForeground,
  type Shell,
  statOf,
} from './support/pty.ts';
import { Sandbox, until } from './support/sandbox.ts';
import { clear } from './support/witnesses.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'terminal-test-value' });
  compileIn(box, 'witness');
});
afterAll(() => {
  // A witness takes every signal that can be taken.
  clear(box.cwd);
  box.remove();
});

const twice = <T>(value: T) => [value, value];

interface Witness {
  /** The job's first process: the outermost wrapper, where there is one. */
  readonly first: number;
  readonly pid: number;
}

async function witness(shell: Shell, line = '$W ./witness'): Promise<Witness> {
  await shell.enter(line);
  return begun(shell);
}

async function begun(shell: Shell): Promise<Witness> {
  const { match } = await shell.shows(/ready (\d+) (\d+)\r\n/);
  return { first: Number(match[1]), pid: Number(match[2]) };
}

/** How a terminal shows a key: it signals first, so that may come behind what the command says of it (n_tty.c). */
const ECHO = /\^[C\\]/g;

/** What the witness says up to a USR1 that comes after everything that was pressed. */
async function told(shell: Shell, { first }: Witness): Promise<string[]> {
  process.kill(first, 'SIGUSR1');
  const { before } = await shell.shows('USR1\r\n');
  return before
    .replaceAll(ECHO, '')
    .split('\r\n')
    .filter((line) => line !== '');
}

describe('a key that signals', () => {
  it.each([
    ['Ctrl-C', CTRL_C, 'INT'],
    ['Ctrl-\\', CTRL_BACKSLASH, 'QUIT'],
  ] as const)('%s is one signal for the command, which may go on', async (_, key, name) => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const job = await witness(shell);
      shell.press(key);
      await shell.shows(`${name}\r\n`);
      const more = await told(shell, job);
      shell.press(key);
      await shell.shows(`${name}\r\n`);
      return [more, await told(shell, job)];
    });
    expect(both).toEqual(twice([[], []]));
  });

  it('Ctrl-C ends a command that does not take it, with the status of a shell', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.enter(`$W sh -c 'echo began; exec sleep 60'`);
      await shell.shows('began\r\n');
      shell.press(CTRL_C);
      return (await shell.prompt()).status;
    });
    expect(both).toEqual(twice(130));
  });

  it('Ctrl-C stops a loop of the shell if the command died of it, and not if the command took it', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.enter(`for i in 1 2 3; do $W sh -c 'echo turn; exec sleep 60'; done`);
      await shell.shows('turn\r\n');
      shell.press(CTRL_C);
      const dead = await shell.prompt();
      await shell.enter('for i in 1 2; do $W ./witness; done');
      for (let turn = 0; turn < 2; turn++) {
        const { pid } = await begun(shell);
        shell.press(CTRL_C);
        await shell.shows('INT\r\n');
        process.kill(pid, 'SIGALRM');
      }
      return [dead.status, dead.before.includes('turn'), (await shell.prompt()).status];
    });
    expect(both).toEqual(twice([130, false, 7]));
  });

  it('Ctrl-\\ ends a command that does not take it', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.run('ulimit -c 0');
      await shell.enter(`$W sh -c 'echo began; exec sleep 60'`);
      await shell.shows('began\r\n');
      shell.press(CTRL_BACKSLASH);
      return (await shell.prompt()).status;
    });
    expect(both).toEqual(twice(131));
  });

  it('Ctrl-C is one signal for a command in a run within a run', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const job = await witness(shell, '$W $W $W ./witness');
      shell.press(CTRL_C);
      await shell.shows('INT\r\n');
      const more = await told(shell, job);
      return more;
    });
    expect(both).toEqual(twice([]));
  });
});

describe('job control', () => {
  it('Ctrl-Z, jobs, bg and fg act on the command and hasp as on one job', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const job = await witness(shell);
      shell.press(CTRL_Z);
      const stopped = await shell.prompt();
      // The prompt comes once the shell's own child has stopped; the others of the group were told at the same moment.
      await until('all have stopped', () => groupStates(job.first).every((state) => state === 'T'));
      const states = groupStates(job.first);
      const listed = await shell.run('jobs');
      await shell.run('bg');
      await until('it goes on', () => groupStates(job.first).every((state) => state !== 'T'));
      const running = await shell.run('jobs');
      await shell.enter('fg');
      await inForeground(job.first);
      shell.press(CTRL_C);
      await shell.shows('INT\r\n');
      process.kill(job.first, 'SIGUSR2');
      await shell.shows('USR2\r\n');
      process.kill(job.pid, 'SIGALRM');
      const end = await shell.prompt();
      return [stopped.status, new Set(states), words(listed.before), words(running.before), end.status];
    });
    const line = (state: string, more = '') => `[1]+ ${state} $W ./witness${more}`;
    expect(both).toEqual(twice([148, new Set(['T']), line('Stopped'), line('Running', ' &'), 7]));
  });

  it('Ctrl-Z stops a pipeline, and fg continues it', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const job = await witness(shell, '$W ./witness | cat');
      shell.press(CTRL_Z);
      const stopped = await shell.prompt();
      await shell.enter('fg');
      await shell.shows('cat\r\n');
      const more = await told(shell, job);
      process.kill(job.pid, 'SIGALRM');
      await shell.shows('ALRM\r\n');
      await shell.prompt();
      const status = await shell.run('echo $?');
      return [stopped.status, more, status.status];
    });
    expect(both).toEqual(twice([148, [], 0]));
  });

  it.each(['STOP', 'TSTP', 'TTIN'])(
    'a command that stops itself by %s is a stopped job, and fg continues it',
    async (name) => {
      const both = await bareAndUnderHasp(box, async (shell) => {
        const stopped = await shell.run(`$W sh -c 'kill -${name} $$; echo went on; exit 6'`);
        const listed = await shell.run('jobs');
        const end = await shell.run('fg');
        return [stopped.status, words(listed.before).includes('Stopped'), end.before.includes('went on\n'), end.status];
      });
      const number = { STOP: 19, TSTP: 20, TTIN: 21 }[name] ?? 0;
      expect(both).toEqual(twice([128 + number, true, true, 6]));
    },
  );

  it('a background command that stops itself is a stopped job, and fg continues it', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.run(`$W sh -c 'kill -STOP $$; echo went on; exit 6' &`);
      await stoppedJob(shell);
      await shell.enter('fg');
      await shell.shows('went on\r\n');
      return (await shell.prompt()).status;
    });
    expect(both).toEqual(twice(6));
  });

  it('a background command that reads the terminal is stopped, and reads it after fg', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.run(`$W sh -c 'read line; echo "read $line"' &`);
      await stoppedJob(shell);
      await shell.enter('fg');
      await shell.shows("'\r\n");
      shell.press('a line\r');
      await shell.shows('read a line\r\n');
      return (await shell.prompt()).status;
    });
    expect(both).toEqual(twice(0));
  });
});

/** Asks until the shell lists the job as stopped. */
async function stoppedJob(shell: Shell): Promise<void> {
  await until('the job is stopped', async () => (await shell.run('jobs')).before.includes('Stopped'));
}

/** One space between words, where bash aligns columns. */
function words(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

/** Pids of the job whose first process this is. */
function groupOf(first: number): number[] {
  const all = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  return all.filter((pid) => Number(statOf(pid)?.[2]) === first);
}

function groupStates(first: number): (string | undefined)[] {
  return groupOf(first).map((pid) => statOf(pid)?.[0]);
}
