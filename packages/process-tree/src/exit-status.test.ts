import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workshop } from '../../../test/programs/workshop.ts';

describe('a supervised command', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());

  it.each([0, 7, 255])('gives its exit code %i to whoever asks', async (code) => {
    expect(await workshop.supervise(['sh', '-c', `exit ${code}`])).toMatchObject({ code, end: { exit: { code } } });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'] as const)('dies by %s and so does the wrapper', async (signal) => {
    const outcome = await workshop.supervise(['sh', '-c', `kill -${signal.slice(3)} $$`]);
    expect(outcome).toMatchObject({ code: null, signal, end: { exit: { signal }, cause: 'signalled' } });
  });

  it.each([
    ['KILL', 137],
    ['USR1', 138],
    ['ALRM', 142],
    ['40', 168],
  ])('killed by %s, a shell reads %i', async (signal, code) => {
    const outcome = await workshop.sh(`"$HASP" sh -c 'kill -${signal} $$'; echo $?`);
    expect(outcome.stdout.toString()).toBe(`${code}\n`);
  });

  it('is 127 where there is no such command and 126 where it can not be run', async () => {
    const script = path.join(workshop.folder, 'broken');
    writeFileSync(script, '#!/nonexistent/interpreter\n');
    chmodSync(script, 0o755);
    const plain = path.join(workshop.folder, 'plain');
    writeFileSync(plain, 'exit 1\n');
    const garbage = path.join(workshop.folder, 'garbage');
    writeFileSync(garbage, 'no\0program\n', { mode: 0o755 });
    for (const [command, code] of [
      ['no-such-command', 127],
      ['/nowhere/at/all', 127],
      [script, 127],
      ['/', 126],
      [plain, 126],
      [garbage, 126],
    ] as const) {
      expect((await workshop.supervise([command])).code, command).toBe(code);
    }
  });

  it('may be a script without an interpreter line, as for any shell', async () => {
    const script = path.join(workshop.folder, 'bare script');
    writeFileSync(script, 'echo "$0" "$@"; exit 5\n');
    chmodSync(script, 0o755);
    const outcome = await workshop.supervise([script, 'a b', 'c']);
    expect(outcome).toMatchObject({ code: 5 });
    expect(outcome.stdout.toString()).toBe(`${script} a b c\n`);
  });

  it('sees argv[0] and every argument as typed', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'tr "\\0" "|" < /proc/$$/cmdline', 'x', '', 'ü\n']);
    expect(outcome.stdout.toString()).toBe('sh|-c|tr "\\0" "|" < /proc/$$/cmdline|x||ü\n|');
  });

  it('is killed by SIGPIPE when its reader has gone, redacted or not, without a word', async () => {
    for (const options of [{}, { redact: 'both' }] as const) {
      const outcome = await workshop.sh('"$HASP" yes | head -1; echo ${PIPESTATUS[0]}', options);
      expect(outcome.stdout.toString()).toBe('y\n141\n');
      expect(outcome.stderr).toBe('');
    }
  });

  it('names neither argument nor value when it is too long to start', async () => {
    const outcome = await workshop.sh(
      'X=$(head -c 200000 /dev/zero | tr "\\0" s); "$HASP" sh -c \'exec "$0" "$@"\' true; exec "$HASP" true "$X"',
    );
    expect(outcome.stderr).not.toContain('sss"');
  });
});
