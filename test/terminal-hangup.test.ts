import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareAndUnderHasp, compileIn, type Shell } from './support/pty.ts';
import { isLiving, Sandbox, until } from './support/sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'terminal-test-value' });
  compileIn(box, 'witness');
});
afterAll(() => box.remove());

const twice = <T>(value: T) => [value, value];

/** What a witness wrote to its file after "ready". */
function heard(name: string): string[] {
  const file = path.join(box.cwd, name);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(1, -1) : [];
}

/** Starts a witness that also writes to a file. */
async function witness(shell: Shell, line: string): Promise<{ readonly first: number; readonly pid: number }> {
  await shell.enter(line);
  const { match } = await shell.shows(/ready (\d+) (\d+)\r\n/);
  return { first: Number(match[1]), pid: Number(match[2]) };
}

describe('when the window is closed', () => {
  it('the command ends as without hasp, and its grants with it', async () => {
    const [, pid] = await bareAndUnderHasp(box, async (shell) => {
      await shell.enter(`$W sh -c 'echo pid $$; exec sleep 300'`);
      const { match } = await shell.shows(/pid (\d+)\r\n/);
      await shell.hangUp();
      await until('the command is gone', () => !isLiving(Number(match[1])));
      return Number(match[1]);
    });
    const record = await until('the end is recorded', async () => (await box.log('--type', 'grant.ended')).at(-1));
    expect(record).toMatchObject({ endReason: 'signalled', signal: 'SIGHUP' });
    expect(pid).toBeGreaterThan(0);
  });

  // In the foreground the kernel sends one more when the shell ends: it may or may not come on its own.
  it.each([
    ['foreground', '', 2],
    ['background', ' &', 1],
  ] as const)('a command in the %s that takes SIGHUP gets it as without hasp', async (_, where, most) => {
    const both = await bareAndUnderHasp(box, async (shell, under) => {
      const name = `heard-${under}${where.length}`;
      const { first, pid } = await witness(shell, `$W ./witness ${name}${where}`);
      await shell.hangUp();
      await until('it is told', () => heard(name).includes('HUP'));
      process.kill(first, 'SIGUSR1');
      await until('it is told more', () => heard(name).includes('USR1'));
      process.kill(pid, 'SIGALRM');
      await until('it is gone', () => !isLiving(pid) && !isLiving(first));
      return [new Set(heard(name)), heard(name).filter((signal) => signal === 'HUP').length <= most];
    });
    expect(both).toEqual(twice([new Set(['HUP', 'USR1', 'ALRM']), true]));
  });

  it.each(['nohup $W ./witness', '$W nohup ./witness'])('%s goes on', async (command) => {
    const both = await bareAndUnderHasp(box, async (shell, under) => {
      const name = `nohup-${under}-${command.indexOf('nohup')}`;
      await shell.run(`${command} ${name} >/dev/null 2>&1 & disown -h; echo $!`);
      await until('it is ready', () => existsSync(path.join(box.cwd, name)));
      const text = await until('it has said so', () => readFileSync(path.join(box.cwd, name), 'utf8') || undefined);
      const [, first, pid] = text.split(/\s/).map(Number);
      await shell.hangUp();
      process.kill(first ?? 0, 'SIGUSR1');
      await until('it is told', () => heard(name).includes('USR1'));
      process.kill(pid ?? 0, 'SIGALRM');
      await until('both are gone', () => !isLiving(pid ?? 0) && !isLiving(first ?? 0));
      return heard(name);
    });
    expect(both).toEqual(twice(['USR1', 'ALRM']));
  });

  it('a command that the shell leaves behind still takes signals, SIGHUP among them', async () => {
    const both = await bareAndUnderHasp(box, async (shell, under) => {
      const name = `left-${under}`;
      const { first, pid } = await witness(shell, `$W ./witness ${name} &`);
      await shell.leave();
      // Right after the terminal is gone a HUP is taken for the whole job's.
      await until('it is told', () => {
        process.kill(first, 'SIGHUP');
        return heard(name).includes('HUP');
      });
      process.kill(pid, 'SIGALRM');
      await until('it is gone', () => !isLiving(pid) && !isLiving(first));
      return new Set(heard(name));
    });
    expect(both).toEqual(twice(new Set(['HUP', 'ALRM'])));
  });
});

describe('a signal for the first process of a job whose terminal is there', () => {
  it('reaches the command once', async () => {
    const both = await bareAndUnderHasp(box, async (shell, under) => {
      const { first, pid } = await witness(shell, `$W ./witness sent-${under}`);
      for (const name of ['HUP', 'TERM', 'USR2', 'USR1']) {
        process.kill(first, `SIG${name}`);
        await shell.shows(`${name}\r\n`);
      }
      process.kill(pid, 'SIGALRM');
      const { status } = await shell.prompt();
      return [heard(`sent-${under}`), status];
    });
    expect(both).toEqual(twice([['HUP', 'TERM', 'USR2', 'USR1', 'ALRM'], 7]));
  });
});
