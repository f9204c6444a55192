import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow, HASP, Sandbox } from './support/sandbox.ts';
import { onTerminal } from './support/terminal.ts';

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets();
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

interface List {
  readonly secrets: readonly { readonly name: string; readonly version: number; readonly updatedAt: string }[];
}

/** The exact bytes, fetched as a child would. */
async function bytesOf(reference: string): Promise<Buffer> {
  const argv = ['run', '--redact', 'never', '--stdin', `hasp://${reference}`, '--', 'cat'];
  const { status, stdout, stderr } = await box.run(argv);
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

const refusal = async (argv: readonly string[], stdin: string | Uint8Array = '') => {
  const { status, stdout, stderr } = await box.run([...argv.slice(0, 2), '--json', ...argv.slice(2)], { stdin });
  expect(stdout.toString()).toBe('');
  const { error } = JSON.parse(stderr.toString()) as { error: { code: string; message: string; hint?: string } };
  return { status, code: error.code, text: stderr.toString() };
};

describe('secret set', () => {
  it.each([
    ['one line', 'value', 'value'],
    ['one line and its newline', 'value\n', 'value'],
    ['one line and CR LF', 'value\r\n', 'value\r'],
    ['two newlines at the end', 'value\n\n', 'value\n\n'],
    ['two lines', 'one\ntwo\n', 'one\ntwo\n'],
    ['spaces around', '  a b\t', '  a b\t'],
    ['UTF-8', 'é😀\n', 'é😀'],
  ])('keeps stdin byte for byte, but for the newline of a single line: %s', async (_what, typed, stored) => {
    await box.set('x', typed);
    expect((await bytesOf('x')).toString()).toBe(stored);
  });

  it('keeps all of a file', async () => {
    for (const content of ['line\n', '\n', 'a\n\n']) {
      await box.ok(['secret', 'set', 'x', '--file', box.write('content', content)]);
      expect((await bytesOf('x')).toString()).toBe(content);
    }
  });

  it('takes any bytes, up to 1 MiB', async () => {
    const value = randomBytes(1 << 20);
    await box.set('big', value);
    expect((await bytesOf('big')).equals(value)).toBe(true);
    const tooBig = Buffer.concat([value, Buffer.from('!')]);
    expect(await refusal(['secret', 'set', 'bigger'], tooBig)).toMatchObject({ status: 2, code: 'E_USAGE' });
    expect(await refusal(['secret', 'set', 'bigger', '--file', box.write('bigger', tooBig)])).toMatchObject({
      status: 2,
    });
    expect((await box.json<List>(['secret', 'list'])).secrets.map(({ name }) => name)).toEqual(['big']);
  });

  it('refuses NAME=VALUE without repeating it', async () => {
    const { status, code, text } = await refusal(['secret', 'set', 'name=hunter2hunter2']);
    expect([status, code]).toEqual([2, 'E_USAGE']);
    expect(text).not.toMatch(/hunter2/);
    const second = await box.run(['secret', 'set', 'name', 'hunter2hunter2']);
    expect(second.status).toBe(2);
    expect(second.stderr.toString()).not.toMatch(/hunter2/);
  });

  it.each(['', '1a', '-a', 'a b', 'a//b', '/a', 'a/', 'a/../b', 'ä', 'a\nb', `x${'y'.repeat(255)}`, 'hasp://a', 'a@1'])(
    'refuses the name %j',
    async (name) => {
      const { status, code } = await refusal(['secret', 'set', '--', name], 'value');
      expect(status).toBe(2);
      expect(['E_NAME_INVALID', 'E_USAGE']).toContain(code);
    },
  );

  it('takes names with dots, dashes, digits, parts, up to 255 bytes', async () => {
    for (const name of ['_', 'a.b-c_9', 'a/b/c', 'A'.repeat(255)]) await box.set(name, 'value-value');
    expect((await box.json<List>(['secret', 'list'])).secrets).toHaveLength(4);
  });

  it('answers on stderr for a person, and with one document for a script', async () => {
    const { stdout, stderr } = await box.run(['secret', 'set', 'x'], { stdin: 'some-value' });
    expect([stdout.toString(), stderr.toString()]).toEqual(['', 'hasp: stored x, version 1\n']);
    const json = await box.run(['secret', 'set', 'x', '--json'], { stdin: 'some-value' });
    expect([JSON.parse(json.stdout.toString()), json.stderr.toString()]).toEqual([
      { name: 'x', version: 2, placeholder: false },
      '',
    ]);
  });
});

describe('versions', () => {
  beforeEach(async () => {
    for (const value of ['first-value', 'second-value', 'third-value']) await box.set('db/url', value);
  });

  it('count up, stay readable by NAME@N, and stand in history and show', async () => {
    expect((await bytesOf('db/url')).toString()).toBe('third-value');
    expect((await bytesOf('db/url@1')).toString()).toBe('first-value');
    const history = await box.json<{ versions: { version: number; createdAt: string }[] }>([
      'secret',
      'history',
      'db/url',
    ]);
    expect(history.versions.map(({ version }) => version)).toEqual([3, 2, 1]);
    expect(history.versions[0]?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await box.json(['secret', 'show', 'db/url'])).toMatchObject({ name: 'db/url', version: 3 });
    const list = await box.json<List>(['secret', 'list']);
    expect(list.secrets).toEqual([
      { name: 'db/url', version: 3, updatedAt: expect.stringMatching(/Z$/) as string, placeholder: false },
    ]);
  });

  it('go one at a time with rm NAME@N, and all with rm NAME', async () => {
    await box.ok(['secret', 'rm', 'db/url@2']);
    expect(await refusal(['secret', 'rm', 'db/url@2'])).toMatchObject({ status: 4, code: 'E_SECRET_MISSING' });
    await expect(bytesOf('db/url@2')).rejects.toThrow();
    await box.ok(['secret', 'rm', 'db/url@3']);
    expect((await bytesOf('db/url')).toString()).toBe('first-value');
    await box.ok(['secret', 'rm', 'db/url']);
    expect(await refusal(['secret', 'show', 'db/url'])).toMatchObject({ status: 4, code: 'E_SECRET_MISSING' });
  });

  it('go with their secret when it is renamed', async () => {
    await box.ok(['secret', 'rename', 'db/url', 'db/primary']);
    expect((await bytesOf('db/primary@1')).toString()).toBe('first-value');
    await expect(bytesOf('db/url')).rejects.toThrow();
    await box.set('other', 'other-value');
    expect(await refusal(['secret', 'rename', 'other', 'db/primary'])).toMatchObject({ status: 2, code: 'E_EXISTS' });
    expect(await refusal(['secret', 'rename', 'missing', 'x'])).toMatchObject({ status: 4, code: 'E_SECRET_MISSING' });
    const same = await refusal(['secret', 'rename', 'other', 'other']);
    expect(same).toMatchObject({ status: 2, code: 'E_USAGE' });
  });

  it('are kept by rotate, and destroyed by rotate --forget', async () => {
    await box.ok(['secret', 'rotate', 'db/url'], { stdin: 'fourth-value' });
    expect((await bytesOf('db/url@1')).toString()).toBe('first-value');
    await box.ok(['secret', 'rotate', 'db/url', '--forget'], { stdin: 'fifth-value' });
    expect((await bytesOf('db/url')).toString()).toBe('fifth-value');
    for (const version of [1, 2, 3, 4]) await expect(bytesOf(`db/url@${version}`)).rejects.toThrow();
    expect(await refusal(['secret', 'rotate', 'missing'], 'value')).toMatchObject({
      status: 4,
      code: 'E_SECRET_MISSING',
    });
  });

  it('are recorded by name and number', async () => {
    await box.ok(['secret', 'rotate', 'db/url', '--forget'], { stdin: 'fourth-value' });
    await box.ok(['secret', 'rename', 'db/url', 'db/new']);
    await box.ok(['secret', 'rm', 'db/new']);
    const records = (await box.log()).slice(1);
    expect(records.map(({ type, secret, version, to, forgot }) => [type, secret, version ?? to, forgot])).toEqual([
      ['secret.set', 'db/url', 1, undefined],
      ['secret.set', 'db/url', 2, undefined],
      ['secret.set', 'db/url', 3, undefined],
      ['secret.rotated', 'db/url', 4, true],
      ['secret.renamed', 'db/url', 'db/new', undefined],
      ['secret.removed', 'db/new', undefined, undefined],
    ]);
    await box.ok(['audit', 'verify']);
  });
});

describe('a live run', () => {
  it('ends when its secret is rotated, by that and recorded so', async () => {
    await box.set('x', 'first-value');
    const running = box.start(['run', '-e', 'X=hasp://x', '--', 'sh', '-c', 'echo ready; exec sleep 60']);
    await running.printed('ready');
    const { stderr } = await box.run(['secret', 'rotate', 'x'], { stdin: 'other-value' });
    expect(stderr.toString()).toBe('hasp: ended 1 live run and its grant\nhasp: rotated x, now version 2\n');
    await running.ended;
    expect(await box.log('--type', 'grant.ended')).toMatchObject([{ secret: 'x', endReason: 'rotated' }]);
  });
});

describe('secret reveal', () => {
  it('is for a person at a terminal only', async () => {
    await box.set('x', 'reveal-me-not');
    expect(await refusal(['secret', 'reveal', 'x'])).toMatchObject({ status: 3, code: 'E_DENIED' });
    const shown = await onTerminal(box, ['secret', 'reveal', 'x'], []);
    expect([shown.status, shown.stdout.toString()]).toEqual([0, 'reveal-me-not\r\n']);
    expect((await box.log()).at(-1)).toMatchObject({ type: 'secret.revealed', secret: 'x', version: 1 });
  });
});

it('no value is in any file of the home, whatever was done with it', async () => {
  const value = `plain-${randomBytes(12).toString('hex')}`;
  await box.set('x', value);
  await box.ok(['secret', 'rename', 'x', 'y']);
  await box.ok(['secret', 'rotate', 'y'], { stdin: `${value}-2` });
  for (const file of filesBelow(box.home)) expect([file, readFileSync(file).includes(value)]).toEqual([file, false]);
});

it('takes no closed standard input for an empty value', async () => {
  await box.set('kept', 'value-that-stays');
  const { status } = spawnSync('sh', ['-c', `'${HASP}' secret set kept <&-`], {
    env: { ...process.env, HASP_HOME: box.home },
  });
  expect(status).toBe(2);
  expect(
    (
      await box.run(['run', '-e', 'K=hasp://kept', '--redact', 'never', '--', 'sh', '-c', 'printf %s "$K"'])
    ).stdout.toString(),
  ).toBe('value-that-stays');
});
