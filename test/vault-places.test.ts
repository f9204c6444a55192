import { existsSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeEach(async () => {
  box = await Sandbox.withSecrets({ a: 'value-of-a' });
  return () => box.remove();
});

async function failure(argv: string[], env = {}): Promise<[number | null, unknown]> {
  const { status, stderr } = await box.run([...argv, '--json'], { env });
  return [status, JSON.parse(stderr.toString()).error?.code];
}

describe('what is to outlast the home', () => {
  it.each([
    ['a backup', ['vault', 'backup']],
    ['a checkpoint', ['audit', 'checkpoint', '--out']],
  ])('does not lie in it: %s', async (_, argv) => {
    symlinkSync(box.home, path.join(box.cwd, 'link'));
    symlinkSync(path.join(box.home, 'policy.json'), path.join(box.cwd, 'file'));
    const before = readdirSync(box.home).sort();
    expect(await failure([...argv, 'file'])).toEqual([5, 'E_STORAGE']);
    for (const place of [path.join(box.home, 'vault.db-journal'), 'link/x', box.home]) {
      expect([place, await failure([...argv, place])]).toEqual([place, [2, 'E_USAGE']]);
    }
    expect(readdirSync(box.home).sort()).toEqual(before);
    await box.ok([...argv, `${box.home}-backup`]);
  });
});

it.each([['vault.db-wal'], ['vault.db-journal']])(
  'no vault is made where there is a %s of another, which SQLite would take for its own',
  async (name) => {
    const key = path.join(box.root, 'key');
    await box.ok(['vault', 'backup', 'b', '--new-key-file', key]);
    const env = { HASP_HOME: path.join(box.root, 'other') };
    await box.ok(['init', '--key-file'], { env });
    for (const file of readdirSync(env.HASP_HOME)) unlinkSync(path.join(env.HASP_HOME, file));
    const left = path.join(env.HASP_HOME, name);
    writeFileSync(left, 'changes', { mode: 0o600 });
    expect(await failure(['init', '--key-file'], env)).toEqual([2, 'E_EXISTS']);
    expect(await failure(['vault', 'restore', 'b', '--key-file', key], env)).toEqual([2, 'E_EXISTS']);
    expect(readdirSync(env.HASP_HOME)).toEqual([name]);
    unlinkSync(left);
    await box.ok(['vault', 'restore', 'b', '--key-file', key], { env });
    expect(await box.json(['audit', 'verify'], { env: { ...env, HASP_KEY_FILE: key } })).toMatchObject({ ok: true });
  },
);

describe('a passphrase by a descriptor that nobody gave', () => {
  it.each([4, 9, 17, 18, 19, 20, 21, 22, 23, 24])('changes no key: %i', async (descriptor) => {
    expect(await failure(['vault', 'rekey', '--new-passphrase-fd', String(descriptor)])).toEqual([2, 'E_USAGE']);
    await box.ok(['run', '-e', 'X=hasp://a', '--', 'true']);
  });

  it.each([['init'], ['secret', 'list'], ['vault', 'restore', 'b']])('is refused at once: %s %s', async (...argv) => {
    const env = { HASP_HOME: path.join(box.root, 'other') };
    expect(await failure([...argv, '--passphrase-fd', '4'], env)).toEqual([2, 'E_USAGE']);
    expect(existsSync(path.join(env.HASP_HOME, 'vault.db'))).toBe(false);
    expect((await box.run(['run', '--passphrase-fd', '4', '--', 'true'])).status).toBe(125);
  });
});
