import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workshop } from '../../../test/programs/workshop.ts';

describe('a redacted stream', { timeout: 30_000 }, () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.close());
  const both = { redact: 'both' } as const;

  it('delivers every byte to a slow reader, in flat memory', async () => {
    const megabytes = 24;
    const outcome = await workshop.sh(
      `"$HASP" bash -c 'head -c ${megabytes}000000 /dev/urandom | tee >(sha256sum >&2); grep VmHWM /proc/$PPID/status >&2'` +
        ' | (for i in 1 2 3 4 5; do sleep 0.1; head -c 100000; done; cat) | sha256sum',
      { redact: 'stdout', stragglers: 'wait' },
    );
    expect(outcome.stderr).toContain(outcome.stdout.toString().trim());
    expect(Number(/VmHWM:\s+(\d+)/.exec(outcome.stderr)?.[1])).toBeLessThan(100_000);
  });

  it('is a real pipe: /dev/stdout and /dev/stderr can be opened', async () => {
    const outcome = await workshop.sh(
      '("$HASP" sh -c "echo a >/dev/stdout; echo b >/dev/stderr" | cat) 2>&1 | cat',
      both,
    );
    expect(outcome.stdout.toString().split('\n').sort()).toEqual(['', 'a', 'b']);
  });

  it('keeps the order of stdout and stderr that lead to one file', async () => {
    const file = path.join(workshop.folder, 'both');
    await workshop.sh(`"$HASP" sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo $i >&2; done' >${file} 2>&1`, both);
    expect(readFileSync(file, 'utf8')).toBe([1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `${i}\n${i}\n`).join(''));
  });

  it('keeps stdout and stderr apart where they lead to different places', async () => {
    const outcome = await workshop.sh('"$HASP" sh -c "echo out; echo err >&2; exit 9"', both);
    expect(outcome).toMatchObject({ stderr: 'err\n', code: 9 });
    expect(outcome.stdout.toString()).toBe('out\n');
  });

  it('releases what is held back after a silence, and the rest at the end', async () => {
    const line =
      'coproc "$HASP" sh -c "printf name:; read x; printf \\"got \\$x\\""; read -rn5 -t5 p <&${COPROC[0]}; echo "$p"; echo me >&${COPROC[1]}; cat <&${COPROC[0]}';
    const outcome = await workshop.sh(line, { redact: 'hold' });
    expect(outcome.stdout.toString()).toBe('name:\ngot me');
  });

  it('works behind a descriptor that somebody made non-blocking', async () => {
    const nonBlocking = 'python3 -c "import os,sys; os.set_blocking(1,False); os.execv(sys.argv[1],sys.argv[1:])"';
    const outcome = await workshop.sh(`${nonBlocking} "$HASP" head -c 3000000 /dev/zero | (sleep 0.3; wc -c)`, both);
    expect(outcome.stdout.toString().trim()).toBe('3000000');
  });

  it('ends when only a process outside holds on to it', async () => {
    const outcome = await workshop.supervise(['sh', '-c', 'echo before; sleep 20 & sleep 0.2; exit 2'], {
      ...both,
      stragglers: 'leave',
    });
    expect(outcome).toMatchObject({ code: 2, end: { survivors: [{ command: 'sleep', outcome: 'left' }] } });
    expect(outcome.stdout.toString()).toBe('before\n');
    process.kill(outcome.end?.survivors[0]?.pid ?? 0, 'SIGKILL');
  });

  it('does not keep a signalled command from its end behind a reader that takes nothing', async () => {
    const ended = 'timeout -s TERM 0.5 "$HASP" yes; echo $? >&3; kill $(cat reader)';
    const line = `cd ${workshop.folder}; exec 3>&1; { ${ended}; } | { echo $BASHPID >reader; exec sleep 30; }`;
    expect((await workshop.sh(line, both)).stdout.toString()).toBe('124\n');
  });

  it('can be ended by a signal when only its output is left', async () => {
    const ended =
      '"$HASP" head -c 400000 /dev/zero & p=$!; sleep 1; kill -TERM $p; wait $p; echo $? >&3; kill $(cat reader)';
    const line = `cd ${workshop.folder}; exec 3>&1; { ${ended}; } | { echo $BASHPID >reader; exec sleep 30; }`;
    expect((await workshop.sh(line, both)).stdout.toString()).toBe('143\n');
  });

  it('gives the command its standard input, and the end of it', async () => {
    const text = 'first\nno newline at the end';
    const outcome = await workshop.supervise(['cat'], { stdin: text });
    expect(outcome.stdout.toString()).toBe(text);
    const large = 'x'.repeat(90_000);
    expect(
      (await workshop.supervise(['sh', '-c', 'sleep 0.2; wc -c'], { stdin: large })).stdout.toString().trim(),
    ).toBe('90000');
    expect((await workshop.supervise(['true'], { stdin: large })).code).toBe(0);
  });
});
