import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readPage } from './support/pages.ts';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';
import { clear, livingIn } from './support/witnesses.ts';

const VALUE = 'value-without-recall';
const words = (text: string) => text.replace(/\s+/g, ' ');
const page = words(readPage('docs/process-tree.md').text);

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ key: VALUE });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => {
  clear(box.cwd);
  box.remove();
});

const fileIn = (name: string) => readFileSync(path.join(box.cwd, name), 'utf8').trim();
const isThere = (name: string) => existsSync(path.join(box.cwd, name));
const start = (options: readonly string[], script: string) =>
  box.start(['run', '--redact', 'never', ...options, '--', 'sh', '-c', script]);
const LEAVE = ['--stragglers', 'leave'];
/** Writes a pid where it is read whole. */
const tell = (name: string) => `echo $$ >${name}.new; mv ${name}.new ${name};`;
/** In the background, away from the command, which goes on when the file `name` is there. */
const daemon = (name: string, script: string) =>
  `(setsid sh -c '${script}' <&- >&- 2>&- &); while [ ! -e ${name} ]; do sleep 0.01; done;`;

/** A sentence of the page, which is tested by what follows. */
function claim(sentences: readonly string[], check: () => Promise<void>): void {
  it(sentences.join(' '), async () => {
    expect(sentences.filter((sentence) => !page.includes(words(sentence)))).toEqual([]);
    await check();
  });
}

describe('what can be taken back, as docs/process-tree.md has it', () => {
  claim(
    [
      'A variable can be read by every process of the same user in `/proc/PID/environ`, and is inherited by everything that the command starts.',
      "It can't be taken back: ttl and revocation end the tree.",
    ],
    async () => {
      const script = `${daemon('pid', `sh -c "sh -c \\"${tell('pid').replace(/\$/g, '\\\\\\$')} exec sleep 300\\""`)} echo ready; sleep 300`;
      const running = start(['-e', 'KEY=hasp://key', '--grace', '50ms'], script);
      await running.printed('ready');
      const pid = Number(fileIn('pid'));
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain(`KEY=${VALUE}`);
      await box.ok(['revoke', '--all']);
      await running.ended;
      expect([isLiving(pid), livingIn(box.cwd)]).toEqual([false, []]);
    },
  );

  claim(['A process that is left keeps it.'], async () => {
    await start(['-e', 'KEY=hasp://key', ...LEAVE], daemon('pid', `${tell('pid')} exec sleep 300`)).ended;
    expect(readFileSync(`/proc/${fileIn('pid')}/environ`, 'utf8')).toContain(`KEY=${VALUE}`);
  });

  claim(
    [
      'A file can be read by every process of the same user who finds it.',
      'Nothing is read from it any more, not even through a descriptor that is still open. What was read before is kept.',
    ],
    async () => {
      const reader = `exec 3<"$FILE" 4<"$FILE"; before=$(cat <&4); ${tell('pid')} while [ -e "$FILE" ]; do sleep 0.01; done; cat <&3 >after; echo "$before" >before; touch done`;
      const script = `echo "$FILE" >file; ${daemon('pid', reader)} echo ready; while [ ! -e on ]; do sleep 0.01; done`;
      const running = start(['--file', 'FILE=hasp://key', ...LEAVE], script);
      await running.printed('ready');
      expect(readFileSync(fileIn('file'), 'utf8')).toBe(VALUE);
      box.write('on', '');
      await running.ended;
      await until('the reader is done', () => isThere('done'));
      expect([fileIn('after'), fileIn('before'), existsSync(fileIn('file'))]).toEqual(['', VALUE, false]);
    },
  );

  claim(['The first process of the tree that reads it gets it, and nobody after that one.'], async () => {
    const { stdout } = await start(['--stdin', 'hasp://key'], 'sh -c cat; echo /; sh -c cat').ended;
    expect(stdout.toString()).toBe(`${VALUE}/\n`);
  });

  claim(
    [
      'Only a process of the tree is served, with `--scope root` only the command itself.',
      'Nobody is served. What was fetched is kept.',
    ],
    async () => {
      const member = `kept=$(${HASP} get key); ${tell('pid')} while [ -e "$HASP_SOCKET" ]; do sleep 0.01; done; ${HASP} get key >late; echo $? >status; echo "$kept" >kept; touch done`;
      const script = `echo "$HASP_SOCKET" >socket; ${daemon('pid', member)} echo ready; while [ ! -e on ]; do sleep 0.01; done`;
      const running = start(['--ask', 'key', ...LEAVE], script);
      await running.printed('ready');
      const outsider = await box.run(['get', 'key'], { env: { HASP_SOCKET: fileIn('socket') } });
      expect([outsider.status, outsider.stdout.toString()]).toEqual([3, '']);
      box.write('on', '');
      await running.ended;
      await until('the member is done', () => isThere('done'));
      expect([fileIn('kept'), fileIn('late'), fileIn('status')]).toEqual([VALUE, '', expect.stringMatching(/^[345]$/)]);
      const child = await start(['--ask', 'key', '--scope', 'root'], `sh -c '${HASP} get key; exit $?'; exit $?`).ended;
      expect([child.status, child.stdout.toString()]).toEqual([3, '']);
      const command = await box.run([
        'run',
        '--redact',
        'never',
        '--ask',
        'key',
        '--scope',
        'root',
        '--',
        HASP,
        'get',
        'key',
      ]);
      expect(command.stdout.toString()).toBe(VALUE);
    },
  );
});

describe('who is no descendant, as docs/process-tree.md has it', () => {
  const CLAIMS = [
    'hasp neither sees, waits for nor ends such a process, and it goes on after the grants have ended;',
    '`hasp get` refuses it, whatever it was told of the run;',
    'what the command hands to it, it keeps.',
  ];
  const JOB = `${HASP} get key >got 2>refusal; echo $? >status; echo "$KEY" >held; ${tell('pid')} exec sleep 300`;
  const GRANT = ['-e', 'KEY=hasp://key', '--ask', 'key'];

  async function expectOutside(ended: Promise<{ status: number | null; stderr: Buffer }>): Promise<void> {
    const { status, stderr } = await ended;
    const pid = Number(fileIn('pid'));
    expect([status, stderr.toString(), isLiving(pid)]).toEqual([0, '', true]);
    expect([fileIn('got'), fileIn('status'), fileIn('held')]).toEqual(['', '3', VALUE]);
    const records = await box.log();
    expect(records.filter(({ type }) => type === 'grant.delivered')).toEqual([]);
    expect(records.at(-1)).toMatchObject({ type: 'grant.ended', clean: true, survivors: [] });
    process.kill(pid, 'SIGKILL');
  }

  claim(CLAIMS, async () => {
    // A server that was there before: it runs what is written to its file, with what is told there.
    const server = spawn('sh', ['-c', 'while [ ! -e job ]; do sleep 0.02; done; sh ./job & wait'], {
      cwd: box.cwd,
      env: box.environment,
      stdio: 'ignore',
    });
    const request = `{ echo "export HASP_SOCKET='$HASP_SOCKET' HASP_GRANT='$HASP_GRANT' KEY='$KEY'"; cat text; } >job.new; mv job.new job`;
    box.write('text', JOB);
    await expectOutside(start(GRANT, `${request}; while [ ! -e pid ]; do sleep 0.02; done`).ended);
    server.kill('SIGKILL');
  });

  it.runIf(existsSync('/usr/bin/tmux'))('a tmux server that already runs', async () => {
    const socket = path.join(box.tmp, 'tmux');
    const tmux = (...argv: string[]) => box.other(['tmux', '-S', socket, '-f', '/dev/null', ...argv]);
    await tmux('new-session', '-d', 'sleep 60');
    writeFileSync(path.join(box.cwd, 'text'), JOB);
    const set = '-e "HASP_SOCKET=$HASP_SOCKET" -e "HASP_GRANT=$HASP_GRANT" -e "KEY=$KEY"';
    const script = `tmux -S ${socket} new-window -c "$PWD" ${set} 'sh ./text'; while [ ! -e pid ]; do sleep 0.02; done`;
    await expectOutside(start(GRANT, script).ended);
    await tmux('kill-server');
  });

  it.runIf(existsSync('/usr/bin/tmux'))('but one that the command starts is', async () => {
    expect(page).toContain('A tmux server that the command itself starts is a descendant, and ends with the tree.');
    const socket = path.join(box.tmp, 'tmux');
    const script = `tmux -S ${socket} -f /dev/null new-session -d -c "$PWD" '${tell('pid')} exec sleep 300'; while [ ! -e pid ]; do sleep 0.02; done`;
    const { stderr } = await start(GRANT, script).ended;
    expect(stderr.toString()).toMatch(/^hasp: sh left \d+ process(?:es)? running with KEY, key: /);
    expect(isLiving(Number(fileIn('pid')))).toBe(false);
  });
});
