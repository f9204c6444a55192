import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog, Workshop } from '../../../test/programs/workshop.ts';

/** As an ordinary user: root may read everything. */
const AS_USER = process.getuid?.() === 0 ? 'setpriv --reuid=65534 --regid=65534 --clear-groups' : '';

describe('the hardened wrapper of an ordinary user', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());

  it('can not be read by its own user, while the command can', async () => {
    const look = (pid: string): string =>
      `for f in environ mem maps fd/0; do if head -c1 /proc/${pid}/$f >/dev/null 2>&1; then echo $f readable; fi; done`;
    const outcome = await workshop.sh(
      `exec ${AS_USER} "$HASP" bash -c '${look('$PPID')}; echo --; ${look('$$')}' </dev/null`,
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout.toString()).toBe('--\nenviron readable\nmaps readable\nfd/0 readable\n');
  });

  it('still knows its tree and ends it', async () => {
    const binary = workshop.compile('double-fork');
    const log = workshop.newLog();
    const outcome = await workshop.sh(`exec ${AS_USER} "$HASP" ${binary} bare`, { log });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(workshop.running(binary)).toEqual([]);
  });

  it('hands on environment, descriptors, limits and ignored signals all the same', async () => {
    const program = workshop.program('circumstances.sh');
    const line = (wrapper: string): string =>
      `trap '' HUP; ulimit -Sn 300; exec 7</dev/null; exec ${AS_USER} ${wrapper} sh -c 'sh ${program}; env | grep -v "^_=" | sort' </dev/null`;
    const environment = { ...process.env, NODE_OPTIONS: '--require /nonexistent' };
    const through = await workshop.sh(line('"$HASP"'), {}, environment);
    const direct = await workshop.sh(line('env'), {}, environment);
    expect(through).toMatchObject({ code: 0, stderr: '' });
    expect(through.stdout.toString()).toBe(direct.stdout.toString());
  });

  it('says what it could not end', async () => {
    if (process.getuid?.() !== 0) return;
    const sudo = workshop.compile('become-root');
    await workshop.sh(`chown root ${sudo}; chmod 4755 ${sudo}`);
    const log = workshop.newLog();
    const outcome = await workshop.sh(`exec ${AS_USER} "$HASP" sh -c '${sudo} >/dev/null 2>&1 & sleep 0.3; exit 3'`, {
      log,
      graceMs: 100,
    });
    expect(outcome.code).toBe(3);
    expect(readLog(log).end?.survivors).toMatchObject([{ command: 'become-root', outcome: 'not-permitted' }]);
    for (const pid of workshop.running(sudo)) process.kill(pid, 'SIGKILL');
  });
});
