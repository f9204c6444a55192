import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusedImport } from './support/importing.ts';
import { HASP, Sandbox, type StartOptions } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ KEPT: 'what-was-there' });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const refusal = (argv: readonly string[], how: StartOptions = {}) => refusedImport(box, argv, how);

describe('what is no import', () => {
  it.each([
    ['A=1\nFOO', '2 stdin:2:1: a line without ='],
    ['A="x', '2 stdin:1:3: a quote that is not closed'],
    ['A="x" y', '2 stdin:1:6: text behind the closing quote'],
    ['{"a":{"b":1},"a/b":2}', '2 stdin:1:14: a/b has another value on line 1'],
    ['A=1\n1B=canary', '2 stdin:2:1: not a valid secret name'],
    ['{"a":[1]}', '2 stdin:1:6: a is an array'],
    ['{"a":{"b":null}}', '2 stdin:1:11: a/b is null'],
    ['{"a":1,"a":1}', '2 stdin:1:8: duplicate key'],
    [Buffer.from('A=\u00e9\nB=\ufffd\xff', 'latin1'), '2 stdin:1:3: not valid UTF-8'],
    [Buffer.concat([Buffer.from('A=\ufffd\nB=x'), Buffer.from([0xff])]), '2 stdin:2:4: not valid UTF-8'],
    [Buffer.from('\ufeffA=1', 'utf16le'), '2 stdin:1:1: UTF-16, not UTF-8'],
    ['', '2 stdin has no value: there is nothing to import'],
    ['# A=1\n', '2 stdin has no value: there is nothing to import'],
    ['{}', '2 stdin has no value: there is nothing to import'],
    [`A=${'x'.repeat(1024 * 1024 + 1)}`, '2 stdin:1:1: A is longer than 1048576 bytes'],
  ])('%j is refused with its place: %s', async (stdin, expected) => {
    expect(await refusal(['-'], { stdin })).toBe(expected);
  });

  it('a file that can not be read, a folder, an empty pipe', async () => {
    expect(await refusal(['missing.env'])).toBe('2 missing.env could not be read (ENOENT)');
    expect(await refusal(['.'])).toBe('2 . could not be read (EISDIR)');
    execFileSync('mkfifo', [path.join(box.cwd, 'fifo')]);
    expect(await refusal(['fifo'])).toBe('2 fifo has no value: there is nothing to import');
    expect(await refusal(['/dev/zero'])).toBe('2 /dev/zero is longer than 67108864 bytes');
  });

  it('a terminal, a closed stdin, a stdin that carries the passphrase', async () => {
    for (const file of ['-', '/dev/tty']) {
      const { status, stdout } = await onTerminal(box, ['secret', 'import', file], []);
      expect([status, stdout.toString()]).toEqual([
        2,
        expect.stringContaining('is a terminal: there is nothing to import'),
      ]);
    }
    const closed = spawnSync('sh', ['-c', '"$0" secret import - <&-', HASP], { env: box.environment });
    expect([closed.status, closed.stderr.toString()]).toEqual([2, expect.stringContaining('stdin is closed')]);
    expect(await refusal(['-', '--passphrase-fd', '0'])).toBe('2 stdin was to carry the passphrase and the values');
  });
});

describe('with a passphrase', () => {
  it('that is read from its descriptor or the terminal, never from stdin', async () => {
    const phrase = 'correct horse battery staple';
    const other = new Sandbox();
    const file = other.write('phrase', phrase, 0o600);
    const withPhrase = async (argv: readonly string[], stdin = '') => {
      const descriptor = openSync(file, 'r');
      try {
        return await other.ok([...argv, '--passphrase-fd', '3'], { stdin, descriptors: [descriptor] });
      } finally {
        closeSync(descriptor);
      }
    };
    try {
      await withPhrase(['init']);
      await withPhrase(['secret', 'import', '-'], 'A=by-descriptor');
      const piped = `printf 'B=by-terminal' | '${HASP}' secret import -`;
      const running = other.startOther(['script', '-qefc', piped, '/dev/null'], { openStdin: true });
      await running.printed('Passphrase: ');
      running.child.stdin?.write(`${phrase}\r`);
      expect(await running.ended).toMatchObject({ status: 0 });
      running.child.stdin?.destroy();
      const list = await withPhrase(['secret', 'list', '--json']);
      expect(JSON.parse(list)).toMatchObject({ secrets: [{ name: 'A' }, { name: 'B' }] });
    } finally {
      other.remove();
    }
  });
});
