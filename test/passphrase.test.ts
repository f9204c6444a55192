import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox, type StartOptions } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

const PASSPHRASE = 'correct horse battery staple é';
const VALUE = 'passphrase-test-value';
let box: Sandbox;

/** Hands hasp a file as descriptor 3. */
async function withDescriptor<T>(content: string, deed: (how: StartOptions) => Promise<T>): Promise<T> {
  const descriptor = openSync(box.write('passphrase', content, 0o600), 'r');
  try {
    return await deed({ descriptors: [descriptor] });
  } finally {
    closeSync(descriptor);
  }
}

const FD = ['--passphrase-fd', '3'];

beforeAll(async () => {
  box = new Sandbox();
  await withDescriptor(PASSPHRASE, (how) => box.ok(['init', ...FD], how));
  await withDescriptor(`${PASSPHRASE}\n`, (how) =>
    box.ok(['secret', 'set', 'api/key', ...FD], { ...how, stdin: VALUE }),
  );
});
afterAll(() => box.remove());

const LOOK = ['sh', '-c', 'printf "%s\\n" "$KEY"; ls /proc/$$/fd'];
const RUN = ['run', '--redact', 'never', '-e', 'KEY=hasp://api/key'];

describe('--passphrase-fd', () => {
  it('opens the vault, and the descriptor is not passed on', async () => {
    const { status, stdout } = await withDescriptor(PASSPHRASE, (how) => box.run([...RUN, ...FD, '--', ...LOOK], how));
    const bare = await box.other(LOOK, { env: { KEY: VALUE } });
    expect([status, stdout.toString()]).toEqual([0, bare.stdout.toString()]);
  });

  it('says E_WRONG_KEY to a wrong one, records it and starts nothing', async () => {
    for (const wrong of ['Correct horse battery staple é', '', `${PASSPHRASE} `, `${PASSPHRASE}\n\n`]) {
      const { status, stderr, stdout } = await withDescriptor(wrong, (how) =>
        box.run([...RUN, '--json', ...FD, '--', ...LOOK], how),
      );
      expect([status, stdout.toString()]).toEqual([125, '']);
      expect(stderr.toString()).toContain('"E_WRONG_KEY"');
      if (wrong !== '') expect(stderr.toString()).not.toContain(wrong);
    }
    const failures = await box.log('--type', 'auth.failed');
    expect(failures).toHaveLength(4);
    const list = await withDescriptor('wrong', (how) => box.run(['secret', 'list', ...FD], how));
    expect(list.status).toBe(3);
  });

  it('is refused where there is no such descriptor', async () => {
    const { status, stderr } = await box.run([...RUN, '--passphrase-fd', '77', '--', ...LOOK]);
    expect(status).toBe(125);
    expect(stderr.toString()).toMatch(/descriptor 77/);
  });

  it('is needed without a terminal: locked, at once, with the remedies', async () => {
    const run = await box.run([...RUN, '--', ...LOOK]);
    expect(run.status).toBe(125);
    expect(run.stderr.toString()).toMatch(/--passphrase-fd/);
    expect(run.ms).toBeLessThan(5_000);
    const list = await box.run(['secret', 'list', '--json']);
    expect(list.status).toBe(3);
    expect(list.stderr.toString()).toContain('"E_VAULT_LOCKED"');
    expect(await box.log('--type', 'grant.denied')).not.toHaveLength(0);
  });

  it('is not read from the environment', async () => {
    const env = { HASP_PASSPHRASE: PASSPHRASE, HASP_MASTER_PASSWORD: PASSPHRASE };
    expect((await box.run(['secret', 'list'], { env })).status).toBe(3);
  });
});

describe('the prompt', () => {
  it('makes a vault with a passphrase typed twice, and shows neither', async () => {
    const home = path.join(box.root, 'prompted');
    const env = { HASP_HOME: home };
    const made = await onTerminal(
      box,
      ['init'],
      [
        { question: 'New passphrase: ', answer: PASSPHRASE },
        { question: 'New passphrase, again: ', answer: PASSPHRASE },
      ],
      { env },
    );
    expect(made.status).toBe(0);
    expect(made.stdout.toString()).not.toContain('horse');
    const listed = await withDescriptor(PASSPHRASE, (how) => box.run(['secret', 'list', ...FD], { ...how, env }));
    expect(listed.status).toBe(0);
  });

  it('refuses two that differ', async () => {
    const env = { HASP_HOME: path.join(box.root, 'differing') };
    const exchanges = [
      { question: 'New passphrase: ', answer: 'one' },
      { question: 'New passphrase, again: ', answer: 'two' },
    ];
    const made = await onTerminal(box, ['init'], exchanges, { env });
    expect(made.status).toBe(2);
    expect(made.stdout.toString()).toMatch(/did not match/);
  });

  it('opens the vault for a run, is hidden, and leaves stdin and the terminal to the child', async () => {
    const run = await onTerminal(
      box,
      [
        'run',
        '-e',
        'KEY=hasp://api/key',
        '--',
        'sh',
        '-c',
        'echo "${#KEY}"; stty -a | grep -o " -\\?echo "; tty >/dev/null && echo terminal',
      ],
      [{ question: 'Passphrase: ', answer: PASSPHRASE }],
    );
    expect([run.status, run.stdout.toString()]).toEqual([
      0,
      `Passphrase: \r\n${VALUE.length}\r\n echo \r\nterminal\r\n`,
    ]);
  });

  it('stores a value that was typed twice, hidden', async () => {
    const stored = await onTerminal(
      box,
      ['secret', 'set', 'typed'],
      [
        { question: 'Passphrase: ', answer: PASSPHRASE },
        { question: 'Value: ', answer: 'typed-by-a-person' },
        { question: 'Value, again: ', answer: 'typed-by-a-person' },
      ],
    );
    expect(stored.status).toBe(0);
    expect(stored.stdout.toString()).not.toContain('typed-by-a-person');
  });

  it('asks before a value is shown, and shows it to a person at a terminal only', async () => {
    const shown = await onTerminal(
      box,
      ['secret', 'reveal', 'api/key'],
      [{ question: 'Passphrase: ', answer: PASSPHRASE }],
    );
    expect(shown.status).toBe(0);
    expect(shown.stdout.toString()).toContain(`${VALUE}\r\n`);
    const wrong = await onTerminal(
      box,
      ['secret', 'reveal', 'api/key'],
      [{ question: 'Passphrase: ', answer: 'wrong' }],
    );
    expect(wrong.status).toBe(3);
    expect(wrong.stdout.toString()).not.toContain(VALUE);
    const piped = await withDescriptor(PASSPHRASE, (how) => box.run(['secret', 'reveal', 'api/key', ...FD], how));
    expect([piped.status, piped.stdout.toString()]).toEqual([3, '']);
    expect(await box.log('--type', 'secret.revealed')).toHaveLength(1);
  });

  it('gives up on Ctrl-C', async () => {
    const cancelled = await onTerminal(box, ['secret', 'list'], [{ question: 'Passphrase: ', answer: '\u0003' }]);
    expect(cancelled.status).not.toBe(0);
  });
});

it('a vault that opens with a passphrase is not opened by a key file', async () => {
  const key = box.write('a.key', Buffer.alloc(32, 7), 0o600);
  const { status, stderr } = await box.run(['secret', 'list', '--json', '--key-file', key]);
  expect(status).toBe(3);
  expect(stderr.toString()).toContain('"E_WRONG_KEY"');
});
