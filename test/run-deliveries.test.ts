import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogRecord, Sandbox, until } from './support/sandbox.ts';

const VALUE = `deliver-${randomBytes(12).toString('hex')}`;
const BINARY = randomBytes(1 << 20);
let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/url': VALUE, 'tls/key': BINARY, 'many/lines': 'one\ntwo\n' });
});
afterAll(() => box.remove());

describe('a file delivery', () => {
  it('is a 0600 file in a 0700 folder of ours that holds the exact bytes, and is gone after', async () => {
    const script =
      'echo "$TLS"; stat -c "%a %u" "$TLS" "$(dirname "$TLS")"; cmp "$TLS" "$0" && echo same; ls "$(dirname "$TLS")"';
    const copy = box.write('copy', BINARY);
    const { stdout } = await box.run(['run', '--file', 'TLS=hasp://tls/key', '--', 'sh', '-c', script, copy]);
    const [file = '', ...rest] = stdout.toString().split('\n');
    const uid = process.getuid?.();
    expect(rest).toEqual([`600 ${uid}`, `700 ${uid}`, 'same', 'TLS', '']);
    expect(existsSync(path.dirname(file))).toBe(false);
  });

  it('lies on a tmpfs where there is one', async () => {
    const { stdout } = await box.run(['run', '--file', 'TLS=hasp://tls/key', '--', 'sh', '-c', 'stat -f -c %T "$TLS"']);
    const shared = await box.other(['stat', '-f', '-c', '%T', '/dev/shm']);
    if (shared.stdout.toString() === 'tmpfs\n') expect(stdout.toString()).toBe('tmpfs\n');
  });

  it('reads empty through a descriptor that outlives the run', async () => {
    const script =
      'exec 5<"$TLS"; setsid sh -c "while [ ! -f over ]; do sleep 0.02; done; wc -c <&5 >late.new; mv late.new late" &';
    await box.run(['run', '--stragglers', 'leave', '--file', 'TLS=hasp://tls/key', '--', 'sh', '-c', script]);
    box.write('over', '');
    await until('the late reader has read', () => existsSync(path.join(box.cwd, 'late')));
    expect(readFileSync(path.join(box.cwd, 'late'), 'utf8').trim()).toBe('0');
  });

  it('may be removed, replaced, linked, copied or made read-only by the child: its folder goes all the same', async () => {
    const victim = box.write('victim', 'do not touch');
    const deeds = [
      'rm "$TLS"',
      'ln -sf "$0" "$TLS"',
      'chmod 000 "$TLS"',
      'mkfifo "$TLS.fifo"',
      'rm "$TLS"; mkdir "$TLS"',
      'cp "$TLS" "$TLS.copy"',
    ];
    for (const deed of deeds) {
      const { status, stdout } = await box.run([
        'run',
        '--file',
        'TLS=hasp://tls/key',
        '--',
        'sh',
        '-c',
        `${deed}; dirname "$TLS"`,
        victim,
      ]);
      expect([deed, status, existsSync(stdout.toString().trim())]).toEqual([deed, 0, false]);
      expect(readFileSync(victim, 'utf8')).toBe('do not touch');
    }
    await box.ok(['audit', 'verify']);
  });
});

describe('a stdin delivery', () => {
  it('is the exact bytes, then the end', async () => {
    const { stdout } = await box.run(['run', '--redact', 'never', '--stdin', 'hasp://tls/key', '--', 'cat'], {
      stdin: 'not this',
    });
    expect(stdout.equals(BINARY)).toBe(true);
    const again = await box.run(['run', '--redact', 'never', '--stdin', 'hasp://many/lines', '--', 'cat']);
    expect(again.stdout.toString()).toBe('one\ntwo\n');
  });

  it('may be left unread', async () => {
    const { status } = await box.run(['run', '--stdin', 'hasp://tls/key', '--', 'sh', '-c', 'exec <&-; exit 4']);
    expect(status).toBe(4);
  });

  it('is one at most', async () => {
    const { status } = await box.run(['run', '--stdin', 'hasp://db/url', '--stdin', 'hasp://tls/key', '--', 'cat']);
    expect(status).toBe(125);
  });
});

describe('an environment delivery', () => {
  it('means hasp://VAR for a bare VAR', async () => {
    await box.set('BARE', 'bare-value-here');
    const { stdout } = await box.run(['run', '--redact', 'never', '-e', 'BARE', '--', 'sh', '-c', 'echo $BARE']);
    expect(stdout.toString()).toBe('bare-value-here\n');
  });

  it('takes the version that is named', async () => {
    await box.set('v', 'first-version');
    await box.set('v', 'second-version');
    const print = async (reference: string) =>
      (
        await box.run(['run', '--redact', 'never', '-e', `V=${reference}`, '--', 'sh', '-c', 'echo $V'])
      ).stdout.toString();
    expect([await print('hasp://v'), await print('hasp://v@1'), await print('hasp://v@2')]).toEqual([
      'second-version\n',
      'first-version\n',
      'second-version\n',
    ]);
  });
});

describe('what is recorded', () => {
  it('names secret, version, delivery, command, reason and end, and masks values in argv', async () => {
    const argv = ['sh', '-c', `: ${VALUE}; exit 3`];
    await box.run([
      'run',
      '-e',
      'DB=hasp://db/url',
      '--file',
      'TLS=hasp://tls/key@1',
      '--reason',
      `why ${VALUE}`,
      '--ttl',
      '5m',
      '--',
      ...argv,
    ]);
    const records = (await box.log()).slice(-4);
    const [first, second, third, fourth] = records as [LogRecord, LogRecord, LogRecord, LogRecord];
    expect(first).toMatchObject({
      type: 'grant.issued',
      secret: 'db/url',
      version: 1,
      delivery: 'env',
      variable: 'DB',
      scope: 'tree',
      rule: 'person-flags',
      reason: 'why [hasp:db/url]',
      command: ['sh', '-c', ': [hasp:db/url]; exit 3'],
      cwd: box.cwd,
      uid: process.getuid?.(),
      stragglers: 'kill',
      tracking: 'full',
    });
    expect(second).toMatchObject({
      type: 'grant.issued',
      secret: 'tls/key',
      delivery: 'file',
      variable: 'TLS',
      run: first['run'],
    });
    expect(Date.parse(String(first['expiresAt'])) - Date.parse(String(first['time']))).toBeLessThanOrEqual(
      5 * 60_000 + 100,
    );
    expect([third['grant'], fourth['grant']]).toEqual([first['grant'], second['grant']]);
    expect(fourth).toMatchObject({ type: 'grant.ended', endReason: 'exited', exitCode: 3, clean: true, survivors: [] });
  });

  it('stands in the log, on disk, before the child starts', async () => {
    const script = 'tail -n 1 "$HASP_HOME/audit.jsonl" | grep -c grant.issued; ls "$HASP_HOME/run"';
    const { stdout } = await box.run(['run', '-e', 'DB=hasp://db/url', '--', 'sh', '-c', script]);
    expect(stdout.toString()).toMatch(/^1\n[0-9a-f]{16}\.json\n$/);
    expect(readdirSync(path.join(box.home, 'run'))).toEqual([]);
  });

  it('names the signal that ended the command', async () => {
    await box.run(['run', '-e', 'DB=hasp://db/url', '--', 'sh', '-c', 'kill -KILL $$']);
    expect((await box.log()).at(-1)).toMatchObject({ endReason: 'signalled', signal: 'SIGKILL' });
  });
});

describe('--dry-run', () => {
  it('says what would be granted and delivers nothing', async () => {
    const before = await box.log();
    const marker = path.join(box.cwd, 'dry');
    const argv = ['run', '--dry-run', '-e', 'DB=hasp://db/url', '--file', 'TLS=hasp://no/such', '--', 'touch', marker];
    const { status, stdout } = await box.run(argv);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/grant {2}env DB {2}hasp:\/\/db\/url/);
    expect(stdout.toString()).toMatch(/deny {3}file TLS {2}hasp:\/\/no\/such/);
    const json = JSON.parse((await box.run(['run', '--json', ...argv.slice(1)])).stdout.toString()) as object;
    expect(json).toMatchObject({
      grants: [
        { variable: 'DB', secret: 'db/url', reference: 'hasp://db/url', version: 1, delivery: 'env', effect: 'allow' },
        { variable: 'TLS', secret: 'no/such', delivery: 'file', effect: 'deny' },
      ],
      command: { argv: ['touch', marker], path: expect.stringMatching(/\/touch$/) as string },
    });
    expect(existsSync(marker)).toBe(false);
    expect(await box.log()).toEqual(before);
  });
});

describe('what a run leaves', () => {
  it('is the home with private modes, and nothing else', async () => {
    await box.run(['run', '--file', 'TLS=hasp://tls/key', '--', 'true']);
    for (const name of readdirSync(box.home)) {
      const status = lstatSync(path.join(box.home, name));
      expect([name, status.mode & 0o777]).toEqual([name, status.isDirectory() ? 0o700 : 0o600]);
    }
    expect(
      readdirSync(box.home)
        .filter((name) => !/^vault\.(?:db|key)(?:-wal|-shm)?$/.test(name))
        .sort(),
    ).toEqual(['audit.jsonl', 'audit.seal', 'run']);
    expect(readdirSync(box.tmp)).toEqual([]);
  });
});
