import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appWithoutKoffi, mayUnshare, startAsked } from './support/asking.ts';
import { HASP, isLiving, Sandbox, until } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

const VALUE = `asked-${randomBytes(12).toString('hex')}`;
const BINARY = randomBytes(1 << 20);
let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/url': VALUE, 'tls/key': BINARY });
});
afterAll(() => box.remove());

const GET = `${HASP} get`;
const run = (options: readonly string[], script: string, env: Record<string, string> = {}) =>
  box.run(['run', '--redact', 'never', ...options, '--', 'sh', '-c', script], { env });
const textOf = (outcome: { stdout: Buffer }) => outcome.stdout.toString();
const codeOf = (outcome: { stderr: Buffer }): unknown =>
  (JSON.parse(outcome.stderr.toString()) as { error: { code: unknown } }).error.code;
const fileIn = (name: string) => readFileSync(path.join(box.cwd, name), 'utf8');

describe('hasp run --ask', () => {
  it('hands over nothing, and tells where to ask: a 0600 socket in a 0700 folder, which goes with the run', async () => {
    const script = 'env; stat -c "%a %F" "$HASP_SOCKET" "$(dirname "$HASP_SOCKET")"; echo "$HASP_SOCKET" >socket';
    const outcome = await run(['--ask', 'db/url'], script);
    expect(textOf(outcome)).not.toContain(VALUE);
    expect(textOf(outcome)).toMatch(/^600 socket\n700 directory$/m);
    expect(existsSync(path.dirname(fileIn('socket').trim()))).toBe(false);
    expect(readdirSync(path.join(box.home, 'run'))).toEqual([]);
  });

  it('gives no socket to a run that asks nothing, not even an outer one', async () => {
    const { stdout } = await run(['-e', 'A=hasp://db/url'], 'echo "[$HASP_SOCKET]"', { HASP_SOCKET: '/outer' });
    expect(stdout.toString()).toBe('[]\n');
  });

  it('records each fetch with who fetched, between the grant and its end', async () => {
    const before = (await box.log()).length;
    await run(['--ask', 'db/url,tls/key', '--scope', 'tree'], `${GET} db/url >/dev/null; ${GET} db/url >/dev/null`);
    const records = (await box.log()).slice(before);
    expect(records.map(({ type, secret }) => [type, secret])).toEqual([
      ['grant.issued', 'db/url'],
      ['grant.issued', 'tls/key'],
      ['grant.delivered', 'db/url'],
      ['grant.delivered', 'db/url'],
      ['grant.ended', 'db/url'],
      ['grant.ended', 'tls/key'],
    ]);
    const [issued, , delivered] = records;
    expect(issued).toMatchObject({ delivery: 'ask', scope: 'tree', version: 1 });
    expect(delivered).toMatchObject({
      run: issued?.['run'],
      grant: issued?.['grant'],
      version: 1,
      peer: { pid: expect.any(Number), startTime: expect.stringMatching(/^\d+$/), command: expect.any(String) },
    });
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
    const shown = await box.ok(['audit', 'log', '--type', 'grant.delivered']);
    expect(shown).toMatch(/^\S+ {2}grant\.delivered {2}db\/url {2}v1 {2}to \S+ \(\d+\)$/m);
  });

  it('masks what was fetched like every other granted value', async () => {
    const { stdout } = await box.run(['run', '--ask', 'db/url', '--', 'sh', '-c', `${GET} db/url`]);
    expect(stdout.toString()).toBe('[hasp:db/url]');
  });

  it('is shown by --dry-run, and by hasp grants while it lives', async () => {
    const dry = await box.json<{ grants: unknown[] }>(
      ['run', '--ask', 'db/url', '--dry-run', '--', 'true'].slice(0, 4).concat('--json', '--', 'true'),
    );
    expect(dry.grants).toMatchObject([{ delivery: 'ask', secret: 'db/url', effect: 'allow' }]);
    const asked = await startAsked(box, ['--ask', 'db/url', '-e', 'KEY=hasp://db/url', '--scope', 'root']);
    const { grants } = await box.json<{ grants: { delivery: string; scope: string }[] }>(['grants']);
    // What is handed over goes to the whole tree, whatever was wished.
    expect(grants.map(({ delivery, scope }) => [delivery, scope])).toEqual([
      ['env', 'tree'],
      ['ask', 'root'],
    ]);
    await asked.end();
  });

  it('takes names, versions and references, from a manifest too', async () => {
    await box.set('db/url', 'second value');
    const script = `${GET} db/url@1; ${GET} hasp://tls/key | sha256sum`;
    const sum = createHash('sha256').update(BINARY).digest('hex');
    const flags = await run(['--ask', 'db/url@1', '--ask', 'hasp://tls/key'], script);
    expect(textOf(flags)).toBe(`${VALUE}${sum}  -\n`);
    const ask = ['hasp://db/url@1', 'hasp://tls/key'];
    const targets = { t: { command: ['sh'], ask }, r: { ask, scope: 'root' } };
    box.write('hasp.json', JSON.stringify({ version: 1, targets }));
    await box.ok(['project', 'trust']);
    expect(textOf(await run([], script))).toBe(`${VALUE}${sum}  -\n`);
    expect(textOf(await run(['--target', 'r'], script))).not.toContain(VALUE);
    expect(textOf(await run(['--only', 'db/url'], `${GET} db/url; ${GET} tls/key`))).toBe(VALUE);
    box.write('hasp.json', JSON.stringify({ version: 1 }));
  });

  it('refuses what is no name, and a scope that is none', async () => {
    expect(codeOf(await box.run(['run', '--json', '--ask', 'no name', '--', 'true']))).toBe('E_NAME_INVALID');
    expect(codeOf(await box.run(['run', '--json', '--ask', 'db/url', '--scope', 'all', '--', 'true']))).toBe('E_USAGE');
    expect(codeOf(await box.run(['run', '--json', '--ask', 'gone', '--', 'true']))).toBe('E_SECRET_MISSING');
  });

  it.runIf(mayUnshare)('refuses to grant where pids are not what /proc shows', async () => {
    const before = (await box.log()).length;
    const outcome = await box.run(['run', '--json', '--ask', 'db/url', '--', 'true'], {
      through: ['unshare', '--pid', '--fork'],
    });
    expect([outcome.status, codeOf(outcome)]).toEqual([125, 'E_PEER_UNKNOWN']);
    expect((await box.log()).length).toBe(before);
  });

  it('refuses to grant without koffi, and grants by the other ways', async () => {
    const app = appWithoutKoffi(box);
    const hasp = (argv: readonly string[]) => box.other([app, 'run', '--json', ...argv]);
    const outcome = await hasp(['--ask', 'db/url', '--', 'true']);
    expect([outcome.status, codeOf(outcome)]).toEqual([125, 'E_PEER_UNKNOWN']);
    expect((await hasp(['-e', 'A=hasp://db/url@1', '--redact', 'never', '--', 'sh', '-c', 'echo $A'])).status).toBe(0);
  });

  it('keeps the value where the fetch can not be recorded', async () => {
    const log = path.join(box.home, 'audit.jsonl');
    const script = `mv ${log} away; ${GET} db/url --json; mv away ${log}; ${GET} db/url >after`;
    const outcome = await run(['--ask', 'db/url@1'], script);
    expect([textOf(outcome), codeOf(outcome)]).toEqual(['', 'E_AUDIT_WRITE']);
    expect(fileIn('after')).toBe(VALUE);
  });

  it.runIf(mayUnshare)('refuses a home whose socket would have no room in an address, before it grants', async () => {
    const long = path.join(box.root, 'x'.repeat(90));
    const env = { HASP_HOME: long };
    await box.ok(['init', '--key-file'], { env });
    await box.ok(['secret', 'set', 'a'], { env, stdin: 'value of a' });
    // Without /dev/shm the socket lies in the home.
    const through = ['unshare', '--mount', 'sh', '-c', 'mount --bind /proc/self /dev/shm && exec "$@"', 'sh'];
    const outcome = await box.run(['run', '--json', '--ask', 'a', '--', 'true'], { env, through });
    expect([outcome.status, codeOf(outcome)]).toEqual([125, 'E_STORAGE']);
    expect(await box.ok(['audit', 'log', '--type', 'grant.issued'], { env })).toBe('');
  });
});

describe('hasp get', () => {
  it('writes the exact bytes, and a newline on a terminal only', async () => {
    const { stdout } = await run(['--ask', 'tls/key'], `${GET} tls/key`);
    expect(stdout.equals(BINARY)).toBe(true);
    const shown = await onTerminal(
      box,
      ['run', '--ask', 'db/url@1', '--redact', 'never', '--', HASP, 'get', 'db/url'],
      [],
    );
    expect(textOf(shown)).toBe(`${VALUE}\r\n`);
  });

  it('needs no home, no vault and no key', async () => {
    const script = `env -i PATH="$PATH" HASP_SOCKET="$HASP_SOCKET" ${GET} db/url; HASP_HOME=/nowhere ${GET} db/url`;
    expect(textOf(await run(['--ask', 'db/url@1'], script))).toBe(VALUE.repeat(2));
  });

  it('says what is missing: a run, a grant, a live run', async () => {
    expect(codeOf(await box.run(['get', 'db/url', '--json']))).toBe('E_NOT_IN_TREE');
    const env = { HASP_SOCKET: path.join(box.tmp, 'gone') };
    const gone = await box.run(['get', 'db/url', '--json'], { env });
    expect([gone.status, codeOf(gone)]).toEqual([3, 'E_NOT_IN_TREE']);
    const missing = await run(['--ask', 'db/url'], `${GET} tls/key --json`);
    expect([missing.status, codeOf(missing)]).toEqual([4, 'E_GRANT_MISSING']);
    expect((await run(['--ask', 'db/url'], `${GET} '../x'`)).status).toBe(2);
  });

  it('fails if the value could not be written out', async () => {
    const { status, stderr } = await run(['--ask', 'db/url'], `${GET} db/url --json >/dev/full`);
    expect([status, codeOf({ stderr })]).toEqual([5, 'E_STORAGE']);
  });

  it('asks the innermost run', async () => {
    const inner = `${HASP} run --redact never --ask tls/key -- sh -c '${GET} db/url || ${GET} tls/key | wc -c'`;
    const { stdout } = await run(['--ask', 'db/url@1'], `${GET} db/url; ${inner}`);
    expect(stdout.toString()).toBe(`${VALUE}${BINARY.length}\n`);
  });
});

describe('the end of a grant', () => {
  /** Outlives its own TERM, to ask once more. */
  const asksAgain = `trap '${GET} db/url >late 2>late.error; echo $? >status.new; mv status.new status' TERM`;

  it.each([
    ['revoked', async (grant: string) => box.ok(['revoke', grant])],
    ['rotated', async () => box.ok(['secret', 'rotate', 'db/url'], { stdin: 'third value' })],
  ])('by being %s refuses the next fetch, during the grace too', async (reason, take) => {
    for (const name of ['status', 'late']) box.write(name, '');
    const asked = await startAsked(box, ['--ask', 'db/url', '--grace', '15s'], `${asksAgain}; ${GET} db/url >early`);
    await until('the first fetch', () => existsSync(path.join(box.cwd, 'early')) && fileIn('early') !== '');
    const taking = take(asked.grant);
    expect(await until('the second fetch', () => fileIn('status').trim() || undefined)).toBe('3');
    expect([fileIn('late'), existsSync(asked.socket)]).toEqual(['', false]);
    box.write('over', '');
    await Promise.all([taking, asked.ended]);
    expect((await box.log()).filter(({ run: id }) => id === asked.grant).at(-1)).toMatchObject({ endReason: reason });
  });

  it('by its ttl refuses the next fetch', async () => {
    for (const name of ['status', 'late']) box.write(name, '');
    const asked = await startAsked(box, ['--ask', 'db/url', '--ttl', '2s', '--grace', '15s'], asksAgain);
    // Refused by the clock, or the socket is gone already.
    expect(['3', '4']).toContain(await until('the fetch', () => fileIn('status').trim() || undefined));
    expect(fileIn('late')).toBe('');
    await asked.end();
  });

  it('with its tree refuses whoever is left', async () => {
    const late = `(setsid sh -c 'while [ ! -f over ]; do sleep 0.02; done; ${GET} db/url >left 2>&1; echo $? >left.new; mv left.new left.status' <&- >&- 2>&- &)`;
    const outcome = await run(['--ask', 'db/url', '--stragglers', 'leave'], `rm -f over; ${late}; sleep 0.1`);
    expect(outcome.status).toBe(0);
    box.write('over', '');
    await until('the one that was left has asked', () => existsSync(path.join(box.cwd, 'left.status')));
    expect(fileIn('left.status').trim()).toBe('3');
  });

  it('with its wrapper, killed with -9, refuses the orphans; the next hasp removes the socket', async () => {
    const asked = await startAsked(box, ['--ask', 'db/url'], '');
    process.kill(asked.pid, 'SIGKILL');
    await until('the wrapper is gone', () => !isLiving(asked.pid));
    const orphan = await box.run(['get', 'db/url', '--json'], { env: { HASP_SOCKET: asked.socket } });
    expect([orphan.status, codeOf(orphan)]).toEqual([3, 'E_NOT_IN_TREE']);
    expect(existsSync(asked.socket)).toBe(true);
    await box.ok(['secret', 'list']);
    expect(existsSync(path.dirname(asked.socket))).toBe(false);
    await asked.ended;
  });
});
