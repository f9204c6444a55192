import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appWithoutKoffi } from './support/asking.ts';
import { CTRL_BACKSLASH, CTRL_C, CTRL_Z, compileIn, inForeground, Shell, statOf } from './support/pty.ts';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';

const SECRET = 'terminal-redact-value';
const REDACTED = `${HASP} run -e KEY=hasp://api/key --redact always --`;
let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': SECRET });
  compileIn(box, 'witness');
  box.write('long.txt', Array.from({ length: 400 }, (_, index) => `line ${index + 1}\n`).join(''));
});
afterAll(() => box.remove());

/** With `$W` for a redacted run; afterwards the terminal is as it was. */
async function inShell<T>(scenario: (shell: Shell) => Promise<T>): Promise<T> {
  const shell = await Shell.open(box, REDACTED);
  try {
    const before = await shell.run('stty -a');
    const outcome = await scenario(shell);
    expect((await shell.run('stty -a')).before).toBe(before.before);
    return outcome;
  } finally {
    await shell.close();
  }
}

/** What the witness says up to a USR1 that comes after everything that was pressed. */
async function told(shell: Shell, pid: number): Promise<string[]> {
  process.kill(pid, 'SIGUSR1');
  const { before } = await shell.shows('USR1\r\n');
  return before.split('\r\n').filter((line) => line !== '' && !line.startsWith('^'));
}

async function witness(shell: Shell, line = '$W ./witness'): Promise<number> {
  await shell.enter(line);
  const { match } = await shell.shows(/ready \d+ (\d+)\r\n/);
  return Number(match[1]);
}

/** What a program has written down in the sandbox, as soon as it has. */
function pidIn(name: string): Promise<number> {
  const file = path.join(box.cwd, name);
  return until(`there is a pid in ${name}`, () => existsSync(file) && (Number(readFileSync(file, 'utf8')) || false));
}

const parentOf = (pid: number) => Number(statOf(pid)?.[1]);

describe('a command whose output is redacted on a terminal', () => {
  it('has a terminal of the same settings and size, and its values are masked', () =>
    inShell(async (shell) => {
      const script = 'for i in 0 1 2; do test -t $i && echo $i; done; tty >/dev/null && stty -a; echo "$KEY"';
      const { before, status } = await shell.run(`$W sh -c '${script}'`);
      const outer = (await shell.run('stty -a')).before;
      expect([before, status]).toEqual([`0\n1\n2\n${outer}[hasp:api/key]\n`, 0]);
    }));

  it('reads what is typed, which is shown once, and not if it is a value', () =>
    inShell(async (shell) => {
      shell.press('$W cat\r');
      await shell.shows('cat\r\n');
      shell.press('hello\r');
      await shell.shows('hello\r\nhello\r\n');
      shell.press(`${SECRET}\r`);
      await shell.shows('[hasp:api/key]\r\n[hasp:api/key]\r\n');
      shell.press('\x04');
      expect((await shell.prompt()).status).toBe(0);
      expect(shell.screen).not.toContain(SECRET);
    }));

  it('is told of a new size, once', () =>
    inShell(async (shell) => {
      const pid = await witness(shell);
      shell.resize(30, 100);
      await shell.shows('WINCH 30x100\r\n');
      expect(await told(shell, pid)).toEqual([]);
      process.kill(pid, 'SIGALRM');
      expect((await shell.prompt()).status).toBe(7);
      shell.resize(24, 80);
      await until('it is as before', async () => (await shell.run('stty size')).before === '24 80\n');
    }));

  it('gets single keys where it asks for them, Ctrl-C and Ctrl-Z among them', () =>
    inShell(async (shell) => {
      const script = 'stty raw -echo; echo asked; dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane';
      await shell.enter(`$W sh -c '${script}'`);
      await shell.shows('asked');
      shell.press(`a${CTRL_C}${CTRL_Z}`);
      await shell.shows('61 03 1a');
      expect((await shell.prompt()).status).toBe(0);
    }));

  it('may be a pager, before or behind a pipe', () =>
    inShell(async (shell) => {
      for (const line of ['$W less -X long.txt', '$W cat long.txt | less -X', 'cat long.txt | $W less -X']) {
        await shell.enter(line);
        await shell.shows('line 23\r\n');
        shell.press(' ');
        await shell.shows('line 46\r\n');
        shell.press('q');
        expect([line, (await shell.prompt()).status]).toEqual([line, 0]);
      }
    }));

  it('has its redirected streams as they are', () =>
    inShell(async (shell) => {
      const script = '$W sh -c "test -t 1 && echo out; test -t 2 && echo err >&2; echo $KEY; exit 3"';
      expect(await shell.run(`${script} >file`)).toEqual({ before: 'err\n', status: 3 });
      expect(readFileSync(path.join(box.cwd, 'file'), 'utf8')).toBe('\n');
      expect(await shell.run(`echo typed | $W sh -c 'cat; test -t 1 && echo "$KEY"' 2>file`)).toEqual({
        before: 'typed\n[hasp:api/key]\n',
        status: 0,
      });
    }));
});

describe('a key that signals', () => {
  it.each([
    ['Ctrl-C', CTRL_C, 'INT'],
    ['Ctrl-\\', CTRL_BACKSLASH, 'QUIT'],
  ] as const)('%s is one signal for the command, which may go on', (_, key, name) =>
    inShell(async (shell) => {
      const pid = await witness(shell);
      shell.press(key);
      await shell.shows(`${name}\r\n`);
      expect(await told(shell, pid)).toEqual([]);
      process.kill(pid, 'SIGALRM');
      expect((await shell.prompt()).status).toBe(7);
    }),
  );

  it('ends the command, and the script around it', () =>
    inShell(async (shell) => {
      box.write('script', `${REDACTED} sh -c 'echo began; exec sleep 60'\necho went on\n`);
      await shell.enter('sh script');
      await shell.shows('began\r\n');
      shell.press(CTRL_C);
      const { status, before } = await shell.prompt();
      expect([status, before.includes('went on')]).toEqual([130, false]);
    }));

  it('reaches it where its input is no terminal', () =>
    inShell(async (shell) => {
      // A dash that is about to start a command may lose the signal, with and without hasp: so it becomes the command.
      await shell.enter(`sleep 60 | $W sh -c 'echo began; exec sleep 61'`);
      await shell.shows('began\r\n');
      shell.press(CTRL_C);
      expect((await shell.prompt()).status).toBe(130);
    }));

  it('reaches all of the command, also when it has closed the terminal', () =>
    inShell(async (shell) => {
      const lines = [
        'exec </dev/null >/dev/null 2>&1',
        '(true & echo $! >orphan)',
        `sh -c 'echo $$ >child; exec sleep 61'`,
        ':',
      ];
      box.write('closes', `${lines.join('\n')}\n`);
      await shell.enter('sleep 60 | $W bash closes');
      await pidIn('child');
      // hasp has reaped what was left to it, so it has seen the end of the terminal that came before, too.
      const orphan = await pidIn('orphan');
      await until('the orphan is reaped', () => statOf(orphan) === undefined);
      shell.press(CTRL_C);
      expect((await shell.prompt()).status).toBe(130);
    }));
});

describe('job control', () => {
  it('stops and continues the command and hasp as one job', () =>
    inShell(async (shell) => {
      const pid = await witness(shell);
      const wrapper = parentOf(pid);
      shell.press(CTRL_Z);
      expect((await shell.prompt()).status).toBe(148);
      expect([statOf(pid)?.[0], statOf(wrapper)?.[0]]).toEqual(['T', 'T']);
      await shell.run('bg');
      await until('both go on', () => [pid, wrapper].every((one) => statOf(one)?.[0] !== 'T'));
      await shell.enter('fg');
      await shell.shows(/witness\r\n/);
      await inForeground(wrapper);
      shell.press(CTRL_C);
      await shell.shows('INT\r\n');
      process.kill(pid, 'SIGALRM');
      expect((await shell.prompt()).status).toBe(7);
    }));

  it('leaves the keys to the shell while it is in the background', () =>
    inShell(async (shell) => {
      const pid = await witness(shell, '$W ./witness &');
      expect((await shell.run('echo still mine')).before).toBe('still mine\n');
      process.kill(pid, 'SIGALRM');
      await until('it is gone', () => !isLiving(pid));
      expect((await shell.run('wait %1; echo $?')).before).toContain('7\n');
    }));

  it('a command that stops itself is a stopped job', () =>
    inShell(async (shell) => {
      expect((await shell.run(`$W sh -c 'kill -STOP $$; echo went on; exit 6'`)).status).toBe(147);
      const end = await shell.run('fg');
      expect([end.before.includes('went on\n'), end.status]).toEqual([true, 6]);
    }));
});

describe('the terminal is put back', () => {
  it('when the command is killed', () =>
    inShell(async (shell) => {
      const pid = await witness(shell);
      process.kill(pid, 'SIGKILL');
      expect((await shell.prompt()).status).toBe(137);
    }));

  it('by the shell when hasp is killed, and the command ends', () =>
    inShell(async (shell) => {
      await shell.enter(`$W sh -c 'echo pid $$; exec sleep 60'`);
      const pid = Number((await shell.shows(/pid (\d+)\r\n/)).match[1]);
      process.kill(parentOf(pid), 'SIGKILL');
      expect((await shell.prompt()).status).toBe(137);
      await until('the command is gone', () => !isLiving(pid));
    }));

  it('when the window is closed nobody is left', async () => {
    const shell = await Shell.open(box, REDACTED);
    await shell.enter(`$W sh -c 'echo pid $$; exec sleep 60'`);
    const pid = Number((await shell.shows(/pid (\d+)\r\n/)).match[1]);
    const wrapper = parentOf(pid);
    await shell.hangUp();
    await until('both are gone', () => !isLiving(pid) && !isLiving(wrapper));
    expect((await box.log('--type', 'grant.ended')).at(-1)).toMatchObject({ signal: 'SIGHUP' });
  });
});

describe('where the kernel gives no help', () => {
  it('the command does not start: neither unredacted nor without its terminal', async () => {
    const other = await Sandbox.withSecrets({ 'api/key': SECRET });
    const shell = await Shell.open(other, `${appWithoutKoffi(other)} run -e KEY=hasp://api/key --redact always --`);
    try {
      const { before, status } = await shell.run('$W sh -c "echo started"');
      expect([before.includes('started'), status]).toEqual([false, 125]);
      expect(before).toContain('hasp: output on a terminal can’t be redacted'.replace('’', "'"));
    } finally {
      await shell.close();
      other.remove();
    }
  });
});
