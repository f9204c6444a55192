import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareAndUnderHasp, CTRL_C, CTRL_Z, compileIn, inForeground } from './support/pty.ts';
import { Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'terminal-test-value' });
  compileIn(box, 'witness');
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index + 1}`);
  box.write('long.txt', `${lines.join('\n')}\n`);
  // What an editor does: no echo, no lines, keys one by one, and the terminal put back at the end.
  box.write(
    'keys.sh',
    'saved=$(stty -g); stty raw -echo; printf "keys\\r\\n"; ' +
      'while key=$(dd bs=1 count=1 2>/dev/null | od -An -tu1); [ $key -ne 113 ]; do printf "%s\\r\\n" $key; done; stty "$saved"; exit 9',
  );
});
afterAll(() => box.remove());

const twice = <T>(value: T) => [value, value];

describe('the terminal of a command', () => {
  it('is the same open file, with the same settings and size', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const { before } = await shell.run(
        `$W sh -c 'stty -a; test $(ps -o tpgid= -p $$) -eq $(ps -o pgid= -p $$); echo foreground $?'`,
      );
      return before;
    });
    expect(both[1]).toBe(both[0]);
    expect(both[0]).toMatch(/rows 24; columns 80[\s\S]*foreground 0\n$/);
  });

  it('tells it of each change of its size, once', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.enter('$W ./witness');
      const { match } = await shell.shows(/ready (\d+) (\d+)\r\n/);
      shell.resize(40, 100);
      const first = await shell.shows(/WINCH \d+x\d+\r\n/);
      shell.resize(30, 90);
      const second = await shell.shows(/WINCH \d+x\d+\r\n/);
      process.kill(Number(match[1]), 'SIGUSR1');
      const rest = await shell.shows('USR1\r\n');
      process.kill(Number(match[2]), 'SIGALRM');
      const { status } = await shell.prompt();
      return [first.match[0], second.match[0], rest.before, status];
    });
    expect(both).toEqual(twice(['WINCH 40x100\r\n', 'WINCH 30x90\r\n', '', 7]));
  });

  it('gives it single keys in raw mode, Ctrl-C and Ctrl-Z among them, and is put back', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const earlier = await shell.run('stty -a');
      await shell.enter('$W sh keys.sh');
      await shell.shows('keys\r\n');
      const keys: string[] = [];
      for (const key of ['x', CTRL_C, CTRL_Z, '\r', '\x1b']) {
        shell.press(key);
        keys.push((await shell.shows(/\d+\r\n/)).match[0].trim());
      }
      shell.press('q');
      const { status } = await shell.prompt();
      const later = await shell.run('stty -a');
      return [keys, status, later.before === earlier.before];
    });
    expect(both).toEqual(twice([['120', '3', '26', '13', '27'], 9, true]));
  });

  it('lets less page, search and quit, also in a pipeline', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const seen: boolean[] = [];
      for (const line of ['$W less -X long.txt', '$W cat long.txt | less -X', 'cat long.txt | $W less -X']) {
        await shell.enter(line);
        await shell.shows('line 23\r\n');
        shell.press(' ');
        await shell.shows('line 46\r\n');
        shell.press('/line 300\r');
        await shell.shows(/line 300[\s\S]*line 322\r\n/);
        shell.press('q');
        seen.push((await shell.prompt()).status === 0);
      }
      return seen;
    });
    expect(both).toEqual(twice([true, true, true]));
  });

  it('may be recorded by script(1), around hasp and below it', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const below = await shell.run(`$W script -qec 'tty >/dev/null && stty size; exit 3' /dev/null`);
      const around = await shell.run(`script -qec "$W sh -c 'stty size; exit 4'" /dev/null`);
      return [below, around];
    });
    expect(both).toEqual(
      twice([
        { status: 3, before: '24 80\n' },
        { status: 4, before: '24 80\n' },
      ]),
    );
  });

  it('serves a shell with job control of its own', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      await shell.enter('$W bash --norc --noediting -i');
      shell.press("PS1='[$?]> '\r");
      await shell.prompt();
      await shell.enter("sh -c 'echo pid $$; exec sleep 60'");
      const { match } = await shell.shows(/pid (\d+)\r\n/);
      shell.press(CTRL_Z);
      const stopped = await shell.prompt();
      await shell.enter('fg');
      await inForeground(Number(match[1]));
      shell.press(CTRL_C);
      const interrupted = await shell.prompt();
      const left = await shell.run('exit 5');
      return [stopped.status, interrupted.status, left.status];
    });
    expect(both).toEqual(twice([148, 130, 5]));
  });
});

describe('a pipeline', () => {
  it('ends at once when its reader does, by SIGPIPE and without a word', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const ended = await shell.run('$W yes | head -1; echo ${PIPESTATUS[*]}');
      return ended.before;
    });
    expect(both).toEqual(twice('y\n141 0\n'));
  });

  it('has the status of each of its commands', async () => {
    const both = await bareAndUnderHasp(box, async (shell) => {
      const { before } = await shell.run(`$W sh -c 'exit 3' | $W cat | $W sh -c 'cat; exit 4'; echo \${PIPESTATUS[*]}`);
      return before;
    });
    expect(both).toEqual(twice('3 0 4\n'));
  });
});
