import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CTRL_C, Shell } from './support/pty.ts';
import { Sandbox, until } from './support/sandbox.ts';

const PASSPHRASE = 'correct horse battery staple';
const VALUE = 'value-for-a-person';

let box: Sandbox;
let shell: Shell;
beforeAll(async () => {
  box = new Sandbox();
  const open = await Shell.open(box);
  await open.enter('$HASP init');
  for (const question of ['New passphrase: ', 'New passphrase, again: ']) {
    await open.shows(question);
    open.press(`${PASSPHRASE}\r`);
  }
  await open.prompt();
  await open.enter('printf %s value-for-a-person | $HASP secret set api/key');
  await answer(open, PASSPHRASE);
  expect((await open.prompt()).status).toBe(0);
  await open.run('R="$HASP run -e KEY=hasp://api/key --"');
  shell = open;
});
afterAll(async () => {
  await shell.close();
  box.remove();
});

async function answer(asking: Shell, typed: string, question = 'Passphrase: '): Promise<void> {
  await asking.shows(question);
  asking.press(`${typed}\r`);
}

const settings = async () => (await shell.run('stty -a')).before;

/** Leaves a prompt in some way. @returns what was shown, the status, and whether the terminal is as it was */
async function leavePrompt(how: () => void | Promise<void>, line = '$R sh -c "echo started"') {
  const earlier = await settings();
  await shell.enter(line);
  await shell.shows('Passphrase: ');
  expect(await terminalEchoes()).toBe(false);
  await how();
  const { status, before } = await shell.prompt();
  return { status, before, restored: (await settings()) === earlier };
}

/** Asked from outside: the terminal is the one of bash, which is the parent of its foreground job. */
async function terminalEchoes(): Promise<boolean> {
  const { stdout } = await box.other(['stty', '-a', '-F', terminal]);
  return !/ -echo /.test(stdout.toString());
}
let terminal = '';
beforeAll(async () => {
  terminal = (await shell.run('tty')).before.trim();
});

describe('the passphrase prompt', () => {
  it('shows nothing of what is typed, and leaves stdin to the command', async () => {
    const earlier = await settings();
    await shell.enter(`printf 'for the command' | $R sh -c 'cat; printf " %s\\n" "\${#KEY}"'`);
    await answer(shell, PASSPHRASE);
    const { status, before } = await shell.prompt();
    expect([status, before]).toEqual([0, `\nfor the command ${VALUE.length}\n`]);
    expect(await settings()).toBe(earlier);
  });

  it('takes nothing that is typed after Enter: it is the command’s', async () => {
    await shell.enter(`$R sh -c 'read line; echo "read $line"'`);
    await shell.shows('Passphrase: ');
    shell.press(`${PASSPHRASE}\r`);
    await shell.shows('\r\n');
    shell.press('ahead\r');
    await shell.shows('read ahead\r\n');
    expect((await shell.prompt()).status).toBe(0);
  });

  it('stands while stdout and stderr lead elsewhere', async () => {
    await shell.enter('$R sh -c "echo out" >out.txt 2>err.txt');
    await answer(shell, PASSPHRASE);
    expect((await shell.prompt()).status).toBe(0);
    expect((await shell.run('cat out.txt err.txt')).before).toBe('out\n');
  });

  it('Ctrl-C starts nothing, restores the terminal and is told in one line', async () => {
    const left = await leavePrompt(() => shell.press(`half of it${CTRL_C}`));
    expect(left).toEqual({ status: 125, before: expect.stringMatching(/^\nhasp: .*\n {2}→ .*\n$/), restored: true });
    expect(left.before).not.toContain('half');
  });

  it.each([
    ['TERM', 143],
    ['HUP', 129],
    ['INT', 130],
    ['QUIT', 131],
  ] as const)('SIG%s starts nothing and restores the terminal', async (name, expected) => {
    const left = await leavePrompt(() => signalWrapper(name));
    expect({ ...left, before: left.before.includes('started') }).toEqual({
      status: expected,
      before: false,
      restored: true,
    });
  });

  it('a wrong one starts nothing', async () => {
    const left = await leavePrompt(() => shell.press('wrong\r'));
    expect(left).toEqual({ status: 125, before: expect.stringMatching(/^\nhasp: .*\n {2}→ .*\n$/), restored: true });
  });

  it('in a background job waits for the terminal, as any command does that asks', async () => {
    const earlier = await settings();
    await shell.run('$R sh -c "echo started" &');
    await until('the job is stopped', async () => (await shell.run('jobs')).before.includes('Stopped'));
    await shell.enter('fg');
    await answer(shell, PASSPHRASE);
    await shell.shows('started\r\n');
    expect((await shell.prompt()).status).toBe(0);
    expect(await settings()).toBe(earlier);
  });
});

describe('a value at the terminal', () => {
  it('is typed twice, unseen', async () => {
    await shell.enter('$HASP secret set typed');
    await answer(shell, PASSPHRASE);
    await answer(shell, 'typed by a person', 'Value: ');
    await answer(shell, 'typed by a person', 'Value, again: ');
    const { status, before } = await shell.prompt();
    expect([status, before.includes('typed by')]).toEqual([0, false]);
  });

  it('is shown to a person who knows the passphrase, and to no pipe', async () => {
    await shell.enter('$HASP secret reveal api/key');
    await answer(shell, PASSPHRASE);
    expect(await shell.prompt()).toEqual({ status: 0, before: `\n${VALUE}\n` });
    const piped = await shell.run('$HASP secret reveal api/key | cat; (exit ${PIPESTATUS[0]})');
    expect([piped.status, piped.before.includes(VALUE)]).toEqual([3, false]);
    expect(shell.screen.split(PASSPHRASE)).toHaveLength(1);
  });
});

async function signalWrapper(name: 'TERM' | 'HUP' | 'INT' | 'QUIT'): Promise<void> {
  const { stdout } = await box.other(['ps', '-o', 'pid=,stat=,args=', '-t', terminal.replace('/dev/', '')]);
  const line = stdout
    .toString()
    .split('\n')
    .find((one) => one.includes('hasp.cjs') && /^\s*\d+\s+\S*\+/.test(one));
  process.kill(Number.parseInt(line ?? '', 10), `SIG${name}`);
}
