import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow, HASP, Sandbox, type StartOptions } from './support/sandbox.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
/** As root: through setpriv(1); as an ordinary user: as ourselves. No capability is left either way. */
const THROUGH = isRoot
  ? [
      'setpriv',
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      '--inh-caps=-all',
      '--bounding-set=-all',
      '--no-new-privs',
    ]
  : [];

let box: Sandbox;
let how: StartOptions;
beforeAll(async () => {
  box = new Sandbox();
  const userHome = path.join(box.root, 'user');
  const mine = path.join(box.root, 'mine');
  execFileSync('mkdir', [mine]);
  chmodSync(box.root, 0o755);
  if (isRoot) for (const folder of [mine, box.cwd, box.tmp]) chownSync(folder, NOBODY, NOBODY);
  // HOME can't be written to.
  chmodSync(userHome, 0o555);
  how = { through: THROUGH, env: { HASP_HOME: path.join(mine, 'hasp') } };
  await box.ok(['init', '--key-file'], how);
  await box.ok(['secret', 'set', 'api/key'], { ...how, stdin: 'ordinary-user-value' });
});
afterAll(() => {
  chmodSync(path.join(box.root, 'user'), 0o755);
  box.remove();
});

/** Root's own folders (a checkout below /root) can't be entered by others. */
const reachable = (() => {
  if (!isRoot) return true;
  try {
    execFileSync('setpriv', [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', HASP, 'version'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
})();

describe.runIf(reachable)('an ordinary user, with HOME read-only, HASP_HOME elsewhere and no terminal', () => {
  const GRANT = ['run', '-e', 'KEY=hasp://api/key', '--file', 'FILE=hasp://api/key'];

  it('runs, with everything delivered, tracked and recorded', async () => {
    const script =
      'test "$KEY" = ordinary-user-value && cmp -s "$FILE" - && id -u; (setsid sleep 60 <&- >&- 2>&- &) ; sleep 0.1; exit 4';
    const { status, stdout, stderr } = await box.run(
      [...GRANT, '--', 'sh', '-c', `printf %s "$KEY" | { ${script}; }`],
      how,
    );
    expect([status, stdout.toString()]).toEqual([4, `${isRoot ? NOBODY : process.getuid?.()}\n`]);
    expect(stderr.toString()).toMatch(/^hasp: sh left 1 process running with KEY, FILE: sleep \(\d+\), terminated\n$/);
    const records = (await box.ok(['audit', 'log', '--json', '--type', 'grant.issued'], how)).trimEnd().split('\n');
    expect(JSON.parse(records[0] ?? '')).toMatchObject({ tracking: 'full', uid: isRoot ? NOBODY : process.getuid?.() });
    expect(await box.json(['audit', 'verify'], how)).toMatchObject({ ok: true });
  });

  it('gets the same environment as without hasp', async () => {
    const options = { ...how, env: { ...how.env, 'a.b': 'dots', NODE_OPTIONS: '--no-warnings', LC_ALL: 'C' } };
    const bare = await box.other(['cat', '/proc/self/environ'], options);
    const wrapped = await box.run(['run', '-e', 'KEY=hasp://api/key', '--', 'cat', '/proc/self/environ'], options);
    const entries = (text: string) =>
      text
        .split('\0')
        .filter((entry) => !/^(?:KEY|HASP_GRANT)=/.test(entry))
        .sort();
    expect(entries(wrapped.stdout.toString())).toEqual(entries(bare.stdout.toString()));
  });

  it('has a wrapper that nobody of the same user can look into', async () => {
    const running = box.start([...GRANT, '--', 'sh', '-c', 'echo ready; exec sleep 60'], how);
    await running.printed('ready');
    const look =
      'for f in environ mem; do cat /proc/$0/$f >/dev/null 2>&1 && echo "read $f"; done; ls /proc/$0/fd >/dev/null 2>&1 && echo "read fd"; true';
    const { stdout } = await box.other(['sh', '-c', look, String(running.pid)], how);
    running.child.kill('SIGTERM');
    await running.ended;
    expect(stdout.toString()).toBe('');
  });

  it('can’t start a run when the log can’t be written', async () => {
    const log = path.join(box.root, 'mine/hasp/audit.jsonl');
    chmodSync(log, 0o400);
    const { status, stderr, ms } = await box.run([...GRANT, '--json', '--', 'touch', 'started'], how);
    chmodSync(log, 0o600);
    expect([status, stderr.toString()]).toEqual([125, expect.stringContaining('"E_AUDIT_WRITE"')]);
    expect(ms).toBeLessThan(5_000);
    expect(() => accessSync(path.join(box.cwd, 'started'), constants.F_OK)).toThrow();
  });

  it('can’t start a run when the home is read-only', async () => {
    const home = path.join(box.root, 'mine/hasp');
    const key = readFileSync(path.join(home, 'vault.key'));
    chmodSync(home, 0o500);
    const { status } = await box.run([...GRANT, '--json', '--', 'touch', 'started'], how);
    chmodSync(home, 0o700);
    expect(readFileSync(path.join(home, 'vault.key')).equals(key)).toBe(true);
    // Without write permission on the folder the files themselves may still be written: then it may run.
    if (status === 0) rmSync(path.join(box.cwd, 'started'));
    else expect(status).toBe(125);
    expect(await box.json(['audit', 'verify'], how)).toMatchObject({ ok: true });
  });

  it('is refused what belongs to root', async () => {
    const file = path.join(box.root, 'mine/hasp/vault.db');
    if (!isRoot) return;
    chownSync(file, 0, 0);
    const { status, stderr } = await box.run(['secret', 'list', '--json'], how);
    chownSync(file, NOBODY, NOBODY);
    expect([status, stderr.toString()]).toEqual([3, expect.stringContaining('"E_HOME_UNSAFE"')]);
  });

  it('has written nothing outside its own folders', () => {
    expect(filesBelow(path.join(box.root, 'user'))).toEqual([]);
    expect(filesBelow(box.tmp)).toEqual([]);
  });
});
