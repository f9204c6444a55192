import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Repository } from './support/repository.ts';
import { Sandbox } from './support/sandbox.ts';

const PLACEHOLDER = 'changeme';
const REAL = `real-${randomBytes(12).toString('hex')}`;
let box: Sandbox;
beforeEach(async () => {
  box = await Sandbox.withSecrets({ 'api/key': REAL });
});
afterEach(() => box.remove());

const text = async (argv: readonly string[], stdin = '') => {
  const { status, stdout, stderr } = await box.run(argv, { stdin });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
};
const masked = async (stdin: string) => (await text(['redact'], stdin)).stdout;
const setPlaceholder = () => text(['secret', 'set', 'db/password', '--placeholder'], PLACEHOLDER);

describe('a placeholder', () => {
  it('is given to a run, and masked nowhere; what else the vault has is', async () => {
    await setPlaceholder();
    const argv = ['run', '--redact', 'always', '-e', 'P=hasp://db/password', '-e', 'K=hasp://api/key'];
    const ran = await text([...argv, '--', 'sh', '-c', 'echo "$P $K"']);
    expect(ran).toMatchObject({ status: 0, stdout: `${PLACEHOLDER} [hasp:api/key]\n` });
    await box.ok(['unlock']);
    const through = await text([...argv, '--', 'sh', '-c', 'echo "$P $K"']);
    await box.ok(['broker', 'stop']);
    expect(through).toEqual(ran);
    expect(await masked(`${PLACEHOLDER} ${REAL}`)).toBe(`${PLACEHOLDER} [hasp:api/key]`);
  });

  it('is passed by scan and by the hooks', async () => {
    await setPlaceholder();
    const repository = new Repository(box, 'repository').guard();
    repository.write('config', `password: ${PLACEHOLDER}\n`);
    repository.do('add', 'config');
    expect(await repository.git(['commit', '-qm', `uses ${PLACEHOLDER}`])).toMatchObject({ status: 0 });
    expect(await text(['scan', repository.folder])).toMatchObject({ status: 0 });
    expect(await box.run(['scan', '--history'], { cwd: repository.folder })).toMatchObject({ status: 0 });
    await text(['secret', 'placeholder', 'db/password', '--off']);
    const found = await text(['scan', repository.folder, '--json']);
    expect(found.status).toBe(6);
    expect(JSON.parse(found.stdout)).toMatchObject({ findings: [{ secret: 'db/password' }] });
    repository.write('more', `password: ${PLACEHOLDER}\n`);
    repository.do('add', 'more');
    expect(await repository.git(['commit', '-qm', 'more'])).toMatchObject({ status: 1 });
  });

  it('hides no other secret, and no other version, that has the same value', async () => {
    await box.set('other', PLACEHOLDER);
    await setPlaceholder();
    expect(await masked(PLACEHOLDER)).toBe('[hasp:other]');
    await text(['secret', 'rm', 'other']);
    expect(await masked(PLACEHOLDER)).toBe(PLACEHOLDER);
    await box.set('db/password', PLACEHOLDER);
    expect(await masked(PLACEHOLDER)).toBe('[hasp:db/password]');
    await text(['secret', 'placeholder', 'db/password@2']);
    expect(await masked(PLACEHOLDER)).toBe(PLACEHOLDER);
  });

  it('ends with the next value', async () => {
    await setPlaceholder();
    const next = `next-${randomBytes(12).toString('hex')}`;
    await text(['secret', 'rotate', 'db/password'], next);
    expect(await masked(`${PLACEHOLDER} ${next}`)).toBe(`${PLACEHOLDER} [hasp:db/password]`);
  });

  it('may be too short to be masked, of which nothing is said', async () => {
    const { stderr } = await text(['secret', 'set', 'short', '--placeholder'], 'test');
    expect(stderr).toBe('hasp: stored short, version 1, a placeholder\n');
    const { stdout } = await text(['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; detail: string }[] };
    expect(checks.find(({ name }) => name === 'vault')).toMatchObject({
      state: 'ok',
      detail: '2 secrets, opens; placeholders, which are not looked for: short',
    });
    expect(await text(['scan', box.write('file', 'test')])).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('who looks', () => {
  it('is told by list, show and history', async () => {
    await setPlaceholder();
    await text(['secret', 'rotate', 'api/key', '--placeholder'], 'your-key-here');
    const { secrets } = await box.json<{ secrets: unknown[] }>(['secret', 'list']);
    expect(secrets).toMatchObject([
      { name: 'api/key', version: 2, placeholder: true },
      { name: 'db/password', version: 1, placeholder: true },
    ]);
    const versions = [
      { version: 1, placeholder: false },
      { version: 2, placeholder: true },
    ];
    expect(await box.json(['secret', 'show', 'api/key'])).toMatchObject({ placeholder: true, versions });
    const history = await text(['secret', 'history', 'api/key']);
    expect(history.stdout).toMatch(/^api\/key@2 .* placeholder\napi\/key@1 .*Z\n$/m);
  });

  it('finds on record who said so', async () => {
    await setPlaceholder();
    await text(['secret', 'rotate', 'db/password', '--placeholder'], 'example');
    await text(['secret', 'placeholder', 'api/key']);
    await text(['secret', 'placeholder', 'db/password@1', '--off']);
    expect((await box.log()).slice(-4)).toMatchObject([
      { type: 'secret.set', secret: 'db/password', version: 1, placeholder: true },
      { type: 'secret.rotated', secret: 'db/password', version: 2, placeholder: true },
      { type: 'secret.marked', secret: 'api/key', version: 1, placeholder: true },
      { type: 'secret.marked', secret: 'db/password', version: 1, placeholder: false },
    ]);
    const log = await text(['audit', 'log']);
    expect(log.stdout).toMatch(/secret\.marked +api\/key +v1 +placeholder/);
    expect(log.stdout).toMatch(/secret\.marked +db\/password +v1 +no placeholder/);
  });
});

it('no agent says that a value is a placeholder', async () => {
  const env = { HASP_SESSION: 's1' };
  for (const argv of [
    ['secret', 'placeholder', 'api/key'],
    ['secret', 'set', 'new', '--placeholder'],
    ['secret', 'rotate', 'api/key', '--placeholder'],
  ]) {
    const { status, stderr } = await box.run(argv, { env, stdin: 'value' });
    const refused = expect.stringMatching(/^hasp: .* is refused inside an agent session \(HASP_SESSION s1\)$/);
    expect([status, stderr.toString().split('\n')[0]]).toEqual([3, refused]);
  }
  expect(await masked(REAL)).toBe('[hasp:api/key]');
  expect(await box.run(['secret', 'placeholder', 'api/key', '--off'], { env })).toMatchObject({ status: 0 });
});

it('what is not there can not be marked', async () => {
  expect(await text(['secret', 'placeholder', 'nothing'])).toMatchObject({ status: 4 });
  expect(await text(['secret', 'placeholder', 'api/key@9'])).toMatchObject({ status: 4 });
});
