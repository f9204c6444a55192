import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CTRL_C, Shell } from './support/pty.ts';
import { HASP, Sandbox } from './support/sandbox.ts';

const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc'];
const MAY_UNSHARE = spawnSync('unshare', [...NAMESPACE.slice(1), 'true']).status === 0;

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'api/key': 'pid-one-test-value' });
  // After its INT it has hasp, the first process, pass on a USR1: a second INT would come before that.
  box.write(
    'witness.sh',
    'trap "echo INT; kill -USR1 1" INT; trap "echo USR1; exit 6" USR1; echo ready; while :; do sleep 0.02; done',
  );
});
afterAll(() => box.remove());

const run = (script: string) =>
  box.run(['run', '-e', 'KEY=hasp://api/key', '--', 'sh', '-c', script], { through: NAMESPACE });

describe.runIf(MAY_UNSHARE)('as the first process of a pid namespace', () => {
  it('is the parent of the command, whose status is its own', async () => {
    const { status, stdout, stderr } = await run('echo $PPID; exit 37');
    expect([status, stdout.toString(), stderr.toString()]).toEqual([37, '1\n', '']);
  });

  it('reaps every orphan, and takes none for the command', async () => {
    // Each orphan ends after its parent: with the status of a signal, and with one of its own.
    const { status, stdout } = await run(
      'for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.0$i && exit 9 & (sleep 0.05; kill -KILL $(sh -c "echo \\$PPID")) &); done; ' +
        'n=1; until [ $n -eq 0 ]; do sleep 0.05; n=$(ps -eo stat=,comm= | grep -c "^Z\\|sleep$" | cat); n=$((n>1?n-1:0)); done; ' +
        'ps -eo stat= | grep -c Z; exit 5',
    );
    expect([status, stdout.toString()]).toEqual([5, '0\n']);
  });

  it('ends what outlives the command, and names it', async () => {
    const { status, stderr } = await run(
      'setsid sleep 300 >/dev/null 2>&1 <&- & until ps -eo comm= | grep -q "^sleep"; do :; done; exit 4',
    );
    expect([status, stderr.toString()]).toEqual([
      4,
      expect.stringMatching(/^hasp: sh left 1 process .*: sleep \(\d+\), terminated\n$/),
    ]);
  });

  it('ends with the status of a signal where it can’t die by it', async () => {
    const { status } = await run('kill -TERM $$');
    expect(status).toBe(143);
  });

  it('Ctrl-C is one signal for the command', async () => {
    const shell = await Shell.open(box, `${NAMESPACE.join(' ')} ${HASP} run -e KEY=hasp://api/key --`);
    try {
      await shell.enter('$W sh witness.sh');
      await shell.shows('ready\r\n');
      shell.press(CTRL_C);
      const { before } = await shell.shows('USR1\r\n');
      expect(before).toBe('^CINT\r\n');
      expect((await shell.prompt()).status).toBe(6);
    } finally {
      await shell.close();
    }
  });
});
