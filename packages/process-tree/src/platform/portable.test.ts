import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SuperviseOptions } from '../../../../test/programs/supervise.ts';
import { readLog, until, Workshop } from '../../../../test/programs/workshop.ts';
import { readStat } from '../proc.ts';

const VALUE = 'value-of-a-variable';

describe('a command without koffi', { timeout: 30_000 }, () => {
  const portable: SuperviseOptions = { tracking: 'best-effort' };
  let workshop: Workshop;
  let folder: string;
  beforeAll(() => {
    workshop = new Workshop();
    folder = mkdtempSync(path.join(tmpdir(), 'hasp-portable-'));
  });
  afterAll(() => {
    workshop.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives input and output as they are', async () => {
    const echoed = await workshop.supervise(['sh', '-c', 'cat; echo err >&2'], {
      ...portable,
      redact: 'both',
      stdin: 'in\0put',
    });
    expect(echoed).toMatchObject({ stderr: 'err\n', code: 0 });
    expect(echoed.stdout.toString()).toBe('in\0put');
    const long = await workshop.supervise(['head', '-c', '3000000', '/dev/zero'], { ...portable, redact: 'both' });
    expect(long.stdout.equals(Buffer.alloc(3_000_000))).toBe(true);
  });

  it('lets out what a transform holds back when the command waits in silence', async () => {
    const asked = path.join(folder, 'asked');
    const running = workshop.sh(
      `"$HASP" sh -c 'printf name?; until [ -f ${asked}.seen ]; do sleep 0.02; done' >${asked}`,
      { ...portable, redact: 'hold' },
    );
    await until(() => textOf(asked) === 'name?');
    writeFileSync(`${asked}.seen`, '');
    expect(await running).toMatchObject({ code: 0 });
  });

  it('says by its status that a command can not be started, and quotes nothing', async () => {
    expect(await workshop.supervise(['/etc/passwd'], portable)).toMatchObject({ code: 126 });
    expect(await workshop.supervise(['no-such-command'], portable)).toMatchObject({ code: 127 });
    const script = path.join(folder, 'script');
    writeFileSync(script, `#!/no/such/interpreter ${VALUE}\n`, { mode: 0o755 });
    const refused = await workshop.supervise([script, VALUE], { ...portable, grant: VALUE });
    expect(refused).toMatchObject({ code: 127, stderr: 'the command could not be started (ENOENT)\n' });
    const nul = await workshop.supervise(['true'], { ...portable, grant: `${VALUE}\0` });
    expect(nul).toMatchObject({ code: 126, stderr: 'the command could not be started (EINVAL)\n' });
  });

  it('is noticed by the command in no variable but its own', async () => {
    const { stdout } = await workshop.supervise(['env'], portable);
    const names = stdout.toString().match(/^\w+(?==)/gm) ?? [];
    expect(names.filter((name) => process.env[name] === undefined)).toEqual([]);
  });

  it('passes a TERM on, and does not follow it with a KILL', async () => {
    const line = `"$HASP" sh -c 'trap "echo heard; sleep 0.2; exit 9" TERM; echo $PPID; while :; do sleep 0.1; done'`;
    const running = workshop.sh(`${line} >${folder}/heard`, portable);
    const wrapper = await until(() => Number(textOf(path.join(folder, 'heard'))) || undefined);
    process.kill(wrapper, 'SIGTERM');
    expect(await running).toMatchObject({ code: 9 });
    expect(textOf(path.join(folder, 'heard'))).toBe(`${wrapper}\nheard\n`);
  });
});

describe.each<{ what: string; portable: SuperviseOptions }>([
  { what: '/proc', portable: { tracking: 'best-effort' } },
  { what: 'ps', portable: { tracking: 'best-effort', table: 'ps' } },
])('a tree without koffi, by looks at $what', { timeout: 30_000 }, ({ portable }) => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());

  /** Starts `straggler` in the background, and ends with 4 when the wrapper has told that it knows it. */
  async function leave(straggler: string, options: SuperviseOptions = {}) {
    const log = workshop.newLog();
    const line = `${straggler} & until grep -q '"members".*"pid":'$!, ${log}; do sleep 0.05; done; exit 4`;
    const outcome = await workshop.supervise(['sh', '-c', line], { ...portable, log, ...options });
    return { ...outcome, ...readLog(log) };
  }

  it('gives exit code and signal as they are', async () => {
    const supervise = (line: string) => workshop.supervise(['sh', '-c', line], portable);
    expect(await supervise('exit 7')).toMatchObject({ code: 7, end: { cause: 'exited', survivors: [] } });
    expect(await supervise('kill -TERM $$')).toMatchObject({ signal: 'SIGTERM', end: { cause: 'signalled' } });
    expect(await supervise('kill -KILL $$')).toMatchObject({ code: 137 });
  });

  it('ends stragglers that it has seen', async () => {
    const outcome = await leave('sleep 60');
    expect(outcome).toMatchObject({ code: 4, end: { survivors: [{ command: 'sleep', outcome: 'terminated' }] } });
  });

  it('kills after the grace what does not take TERM', async () => {
    const outcome = await leave('(trap "" TERM; while :; do sleep 0.1; done)', { graceMs: 200 });
    expect(outcome.end?.survivors).toContainEqual(expect.objectContaining({ command: 'sh', outcome: 'killed' }));
  });

  it('waits for stragglers where the policy is wait', async () => {
    const outcome = await leave('(while kill -0 $$ 2>&-; do sleep 0.05; done; echo late)', {
      stragglers: 'wait',
      redact: 'both',
    });
    expect(outcome).toMatchObject({ code: 4, end: { survivors: [] } });
    expect(outcome.stdout.toString()).toBe('late\n');
  });

  it('leaves them where the policy is leave, and closes what they could write to', async () => {
    const outcome = await leave('echo said; sleep 30', { stragglers: 'leave', redact: 'both' });
    const [survivor] = outcome.end?.survivors ?? [];
    expect([outcome.code, outcome.stdout.toString()]).toEqual([4, 'said\n']);
    expect(survivor).toMatchObject({ command: 'sleep', outcome: 'left' });
    expect(readStat(survivor?.pid ?? 0)?.name).toBe('sleep');
    process.kill(survivor?.pid ?? 0, 'SIGKILL');
  });

  it.each([
    ['ttl', { ttlMs: 300 }],
    ['revoked', { revokeAfterMs: 300 }],
  ] as const)('ends as a whole where its cause is %s', async (cause, options) => {
    const { end } = await workshop.supervise(['sh', '-c', 'sleep 60 & sleep 61'], { ...portable, ...options });
    expect(end).toMatchObject({ cause, exit: { signal: 'SIGTERM' } });
    expect(end?.survivors).toMatchObject([{ command: 'sleep' }, { command: 'sleep' }]);
  });

  it('is ended when it can not be noted', async () => {
    const outcome = await workshop.supervise(['sleep', '50'], { ...portable, failNotes: true, graceMs: 100 });
    expect(outcome).toMatchObject({ code: 1, stderr: 'not noted\n', end: undefined });
  });
});

describe('a process table that gives no answer', { timeout: 30_000 }, () => {
  it('makes nobody dead: what is known is ended when its time is over', async () => {
    const workshop = new Workshop();
    try {
      const options: SuperviseOptions = { tracking: 'best-effort', table: 'mute', ttlMs: 300 };
      const outcome = await workshop.supervise(['sleep', '60'], options);
      expect(outcome).toMatchObject({ end: { cause: 'ttl', exit: { signal: 'SIGTERM' }, survivors: [] } });
      expect(await workshop.supervise(['sh', '-c', 'exit 7'], { ...options, ttlMs: 9_999 })).toMatchObject({ code: 7 });
    } finally {
      workshop.close();
    }
  });
});

describe('the mark in the environment', { timeout: 30_000 }, () => {
  it('finds what left the tree between two looks', async () => {
    const workshop = new Workshop();
    try {
      const binary = workshop.compile('double-fork');
      const grant = 'portable-mark';
      const outcome = await workshop.supervise([binary], { tracking: 'best-effort', grant });
      expect(outcome.end?.survivors).toMatchObject([{ command: 'double-fork' }]);
      expect(workshop.running(binary)).toEqual([]);
    } finally {
      workshop.close();
    }
  });
});

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
