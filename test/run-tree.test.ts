import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'tree-test-value' });
});
afterAll(() => box.remove());

const GRANT = ['-e', 'KEY=hasp://api/key'];
const run = (options: readonly string[], script: string) =>
  box.run(['run', ...GRANT, ...options, '--', 'sh', '-c', script]);
const pidIn = (name: string) => Number(readFileSync(path.join(box.cwd, name), 'utf8'));
const ended = async () => (await box.log()).at(-1);

/** Forks twice, leaves the session, closes everything: its pid is in the file. */
const daemon = (name: string, more = '') =>
  `(setsid sh -c 'echo $$ >${name}.new; mv ${name}.new ${name}; ${more} exec sleep 300' <&- >&- 2>&- &); while [ ! -f ${name} ]; do sleep 0.01; done; sleep 0.05`;

describe('a process that outlives the command', () => {
  it('is ended, named on stderr in one line, and recorded', async () => {
    const { status, stderr } = await run([], `${daemon('killed')}; exit 6`);
    const pid = pidIn('killed');
    expect(status).toBe(6);
    expect(stderr.toString()).toBe(`hasp: sh left 1 process running with KEY: sleep (${pid}), terminated\n`);
    expect(isLiving(pid)).toBe(false);
    expect(await ended()).toMatchObject({
      type: 'grant.ended',
      exitCode: 6,
      clean: false,
      survivors: [{ pid, command: 'sleep', outcome: 'terminated' }],
    });
  });

  it('has no value in its name, neither on stderr nor in the record', async () => {
    const rename = 'cp /bin/sleep "./$KEY"; "./$KEY" 300 <&- >&- 2>&- & sleep 0.3';
    const { stderr } = await run([], rename);
    expect(stderr.toString()).toMatch(
      /^hasp: sh left 1 process running with KEY: \[hasp:[^\]]+\] \([0-9]+\), terminated\n$/,
    );
    expect(await ended()).toMatchObject({ survivors: [{ command: expect.stringMatching(/^\[hasp:/) }] });
  });

  it('is killed after the grace if it does not take TERM', async () => {
    const { stderr } = await run(['--grace', '200ms'], `${daemon('stubborn', 'trap "" TERM;')}; true`);
    const pid = pidIn('stubborn');
    expect(stderr.toString()).toBe(`hasp: sh left 1 process running with KEY: sleep (${pid}), killed\n`);
    expect(isLiving(pid)).toBe(false);
  });

  it('is ended even if it cleared its environment and is stopped', async () => {
    const script =
      "(env -i setsid sh -c 'echo $$ >cleared.new; mv cleared.new cleared; kill -STOP $$; sleep 300' <&- >&- 2>&- &); while [ ! -f cleared ]; do sleep 0.01; done; sleep 0.1";
    await run([], script);
    expect(isLiving(pidIn('cleared'))).toBe(false);
  });

  it('is waited for with --stragglers wait', async () => {
    const script = "(setsid sh -c 'sleep 0.7; echo done >waited' <&- >&- 2>&- &); exit 2";
    const { status, stderr } = await run(['--stragglers', 'wait'], script);
    expect([status, stderr.toString()]).toEqual([2, '']);
    expect(readFileSync(path.join(box.cwd, 'waited'), 'utf8')).toBe('done\n');
    expect(await ended()).toMatchObject({ clean: true, survivors: [] });
  });

  it('is left, and said so, with --stragglers leave', async () => {
    const { status, stderr } = await run(['--stragglers', 'leave'], daemon('left'));
    const pid = pidIn('left');
    expect(status).toBe(0);
    expect(stderr.toString()).toMatch(
      new RegExp(`^hasp: sh left 1 process running with KEY: sleep \\(${pid}\\), left running[^\\n]*\\n$`),
    );
    expect(isLiving(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(await ended()).toMatchObject({ clean: false, survivors: [{ pid, outcome: 'left' }] });
  });

  it('does not hold up the end when it holds stdout', async () => {
    const { status, ms } = await run([], 'setsid sleep 300 & exit 0');
    expect(status).toBe(0);
    expect(ms).toBeLessThan(10_000);
  });
});

describe('the ttl', () => {
  it('ends the tree, root and all', async () => {
    const outcome = await run(
      ['--ttl', '500ms', '--grace', '100ms'],
      `${daemon('late')}; trap '' TERM; while :; do sleep 1; done`,
    );
    expect(outcome.status).toBe(137);
    expect(isLiving(pidIn('late'))).toBe(false);
    expect(await ended()).toMatchObject({ endReason: 'ttl', signal: 'SIGKILL' });
  });

  it('is cut to 24 hours, and says so', async () => {
    const { status, stderr } = await run(['--ttl', '3d'], 'exit 0');
    expect(status).toBe(0);
    expect(stderr.toString()).toMatch(/24h/);
    const [issued] = await box.log('--type', 'grant.issued').then((records) => records.slice(-1));
    const length = Date.parse(String(issued?.['expiresAt'])) - Date.parse(String(issued?.['time']));
    expect(Math.abs(length - 86_400_000)).toBeLessThan(1_000);
  });
});

describe('a signal to the wrapper', () => {
  it.each(['TERM', 'HUP', 'USR1', 'USR2', 'INT', 'QUIT'] as const)('SIG%s reaches the child', async (name) => {
    const script = `trap 'echo got ${name}; exit 33' ${name}; echo ready; while :; do sleep 0.02; done`;
    const running = box.start(['run', ...GRANT, '--', 'sh', '-c', script]);
    await running.printed('ready');
    running.child.kill(`SIG${name}`);
    const { status, stdout } = await running.ended;
    expect([status, stdout.toString()]).toEqual([33, `ready\ngot ${name}\n`]);
  });

  it('ends the child that does not handle it, and the wrapper by the same', async () => {
    const running = box.start(['run', ...GRANT, '--', 'sh', '-c', 'echo ready; exec sleep 60']);
    await running.printed('ready');
    running.child.kill('SIGTERM');
    expect((await running.ended).signal).toBe('SIGTERM');
    expect(await ended()).toMatchObject({ endReason: 'signalled', signal: 'SIGTERM' });
  });

  it('sent at any moment of the start leaves no grant without an end, and no child behind', async () => {
    for (let delay = 0; delay <= 150; delay += 10) {
      const running = box.start(['run', ...GRANT, '--', 'sleep', '60']);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running.child.kill('SIGTERM');
      expect([delay, (await running.ended).signal]).toEqual([delay, 'SIGTERM']);
    }
    const records = await box.log();
    const ids = (type: string) => records.filter((record) => record['type'] === type).map((record) => record['grant']);
    expect(ids('grant.ended').sort()).toEqual(ids('grant.issued').sort());
  });
});

describe('on a terminal', () => {
  it('one Ctrl-C is one SIGINT for the child, and the child decides', async () => {
    const script =
      'n=0; trap "n=\\$((n+1))" INT; echo ready; i=0; while [ $i -lt 40 ]; do sleep 0.02; i=$((i+1)); done; echo "got $n"; exit 5';
    const { status, stdout } = await onTerminal(
      box,
      ['run', ...GRANT, '--', 'sh', '-c', script],
      [{ question: 'ready\r\n', answer: '\u0003', enter: false }],
    );
    expect([status, stdout.toString().split('\r\n').at(-2)]).toEqual([5, '^Cgot 1']);
  });

  it('Ctrl-C ends both, as without hasp', async () => {
    const argv = ['run', ...GRANT, '--', 'sh', '-c', 'echo ready; exec sleep 60'];
    const { status } = await onTerminal(box, argv, [{ question: 'ready\r\n', answer: '\u0003', enter: false }]);
    expect(status).toBe(130);
    expect(await ended()).toMatchObject({ endReason: 'signalled', signal: 'SIGINT' });
  });

  it('is the child’s: it is a terminal on all three streams, with colours unmasked', async () => {
    const script = 'test -t 0 && test -t 1 && test -t 2 && tput -T xterm setaf 1 | od -An -tx1; echo "$KEY"';
    const { status, stdout } = await onTerminal(box, ['run', ...GRANT, '--', 'sh', '-c', script], []);
    expect([status, stdout.toString()]).toEqual([0, ' 1b 5b 33 31 6d\r\ntree-test-value\r\n']);
  });

  it('hangs up the child when it goes away', async () => {
    const running = box.startOther(
      [
        'script',
        '-qefc',
        `${HASP} run ${GRANT.join(' ')} -- sh -c 'echo $$ >hung; echo ready; exec sleep 60'`,
        '/dev/null',
      ],
      { openStdin: true },
    );
    await running.printed('ready');
    running.child.kill('SIGKILL');
    await until('the child is gone', () => !isLiving(pidIn('hung')));
    await until('its end is recorded', async () => (await ended())?.['endReason'] === 'signalled');
  });
});

describe('a run within a run', () => {
  it('is a run of its own, with its own grants and marker', async () => {
    const inner = `"$0" run -e INNER=hasp://api/key -- sh -c 'echo $HASP_GRANT; exit 8'`;
    const outer = await box.run(['run', ...GRANT, '--', 'sh', '-c', `echo $HASP_GRANT; ${inner}`, HASP]);
    expect(outer.status).toBe(8);
    const [first, second] = outer.stdout.toString().split('\n');
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(second).toMatch(/^[0-9a-f]{16}$/);
    expect(second).not.toBe(first);
    const last = (await box.log()).slice(-4).map((record) => record['type']);
    expect(last).toEqual(['grant.issued', 'grant.issued', 'grant.ended', 'grant.ended']);
  });
});

describe('a wrapper that is killed with -9', () => {
  it('has its child ended, its files removed and its grants closed by the next hasp', async () => {
    const running = box.start([
      'run',
      ...GRANT,
      '--file',
      'FILE=hasp://api/key',
      '--',
      'sh',
      '-c',
      'echo $$ >root; echo "$FILE"; echo ready; while :; do sleep 0.05; done',
    ]);
    await running.printed('ready');
    const child = pidIn('root');
    running.child.kill('SIGKILL');
    const { stdout } = await running.ended.catch(() => ({ stdout: Buffer.alloc(0) }));
    expect(stdout.toString()).toContain('ready');
    const file = stdout.toString().split('\n')[0] ?? '';
    await box.ok(['secret', 'list']);
    await until('the child is gone', () => !isLiving(child));
    expect(await box.other(['ls', path.dirname(file)]).then(({ status }) => status)).not.toBe(0);
    const records = (await box.log()).slice(-2);
    const survivors = expect.arrayContaining([{ pid: child, command: 'sh', outcome: 'killed' }]) as unknown;
    expect(records).toMatchObject([
      { type: 'grant.ended', endReason: 'wrapper-lost', clean: false, survivors },
      { type: 'grant.ended', endReason: 'wrapper-lost', clean: false, survivors },
    ]);
    await box.ok(['secret', 'list']);
    expect((await box.log()).slice(-2)).toEqual(records);
    await box.ok(['audit', 'verify']);
  });
});

const IN_NAMESPACE = ['unshare', '--user', '--map-root-user', '--pid', '--fork'];
const LAST_PID = '/proc/sys/kernel/ns_last_pid';
const mayUnshare = spawnSync('unshare', [...IN_NAMESPACE.slice(1), 'sh', '-c', `echo 99 >${LAST_PID}`]).status === 0;

describe.runIf(mayUnshare)('in a pid namespace whose /proc is the one outside', () => {
  it('a run begins and ends, though nobody outside has the pid that it has for itself', async () => {
    const isFree = (pid: number) =>
      Array.from({ length: 200 }, (_, more) => pid + more).every((one) => !existsSync(`/proc/${one}`));
    const last = Array.from({ length: 150 }, (_, at) => 1_000 + at * 200).find(isFree) as number;
    const argv = [HASP, 'run', ...GRANT, '--', 'sh', '-c', 'echo "$$ $KEY"; exit 5'].map((word) => `'${word}'`);
    const { status, stdout, stderr } = await box.other([
      ...IN_NAMESPACE,
      'sh',
      '-c',
      `echo ${last} >${LAST_PID}; ${argv.join(' ')}`,
    ]);
    expect([status, stderr.toString()]).toEqual([5, '']);
    expect(Number.parseInt(stdout.toString(), 10)).toBeGreaterThan(last);
    expect(await ended()).toMatchObject({ type: 'grant.ended', exitCode: 5, clean: true });
  });
});
