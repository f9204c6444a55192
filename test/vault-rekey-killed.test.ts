import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withPassphrases } from './support/passphrases.ts';
import { filesBelow, Sandbox } from './support/sandbox.ts';

const NEW = 'the new passphrase é';
const NEWER = 'another one';

let model: Sandbox;
let box: Sandbox;
beforeAll(async () => {
  model = await Sandbox.withSecrets({ a: 'value-of-the-first' });
});
afterAll(() => model.remove());
beforeEach(() => {
  box = model.clone();
});
afterEach(() => box.remove());

const keyFile = () => path.join(box.home, 'vault.key');
const opens = async () => (await box.run(['secret', 'list'])).status;
const opensWith = (passphrase: string) =>
  withPassphrases(
    box,
    [passphrase],
    async (how) => (await box.run(['secret', 'list', '--passphrase-fd', '3'], how)).status,
  );
const keyFiles = () => readdirSync(box.home).filter((name) => name.startsWith('vault.key'));

describe('a rekey that is killed at any moment', () => {
  it('leaves the old key file or the new one, which opens, and nothing of the other after the next command', async () => {
    const usual = await usualTime(['vault', 'rekey']);
    const seen = { old: 0, new: 0, unfinished: 0 };
    await forSeconds(12, async () => {
      const old = readFileSync(keyFile());
      await killed(['vault', 'rekey'], usual);
      if (existsSync(path.join(box.home, 'vault.key.new'))) seen.unfinished++;
      expect((await box.run(['run', '-e', 'A=hasp://a', '--', 'true'])).status).toBe(0);
      if (readFileSync(keyFile()).equals(old)) seen.old++;
      else {
        seen.new++;
        expect(filesBelow(box.home).filter((file) => readFileSync(file).includes(old))).toEqual([]);
      }
    });
    await box.ok(['vault', 'rekey']);
    expect(keyFiles()).toEqual(['vault.key']);
    expect(await box.json(['audit', 'verify'])).toMatchObject({ ok: true });
    expect(seen.old + seen.new).toBeGreaterThan(5);
  }, 60_000);

  it('between a key file and a passphrase leaves one that opens, and not the other', async () => {
    let isPassphrase = false;
    const toFile = ['vault', 'rekey', '--passphrase-fd', '3', '--new-key-file'];
    const toPassphrase = ['vault', 'rekey', '--new-passphrase-fd', '3'];
    const usual = await withPassphrases(box.clone(), [NEW], (how) => usualTime(toPassphrase, how));
    await forSeconds(12, async () => {
      await withPassphrases(box, [NEW], (how) => killed(isPassphrase ? toFile : toPassphrase, usual, how));
      isPassphrase = (await opens()) !== 0;
      if (isPassphrase) expect(await opensWith(NEW)).toBe(0);
      // A new one that was never used may lie there: the next rekey takes it away.
      if (isPassphrase) expect(keyFiles().filter((name) => name !== 'vault.key.new')).toEqual([]);
    });
    await withPassphrases(box, [NEW, NEWER], (how) =>
      box.ok(['vault', 'rekey', ...(isPassphrase ? ['--passphrase-fd', '3'] : []), '--new-passphrase-fd', '4'], how),
    );
    expect(keyFiles()).toEqual([]);
    expect(
      await withPassphrases(box, [NEWER], (how) => box.json(['audit', 'verify', '--passphrase-fd', '3'], how)),
    ).toMatchObject({ ok: true });
  }, 60_000);
});

async function usualTime(argv: readonly string[], how = {}): Promise<number> {
  return (await box.clone().run(argv, how)).ms;
}

async function killed(argv: readonly string[], usual: number, how = {}): Promise<void> {
  const running = box.start(argv, how);
  await new Promise((resolve) => setTimeout(resolve, usual * (0.4 + 0.7 * Math.random())));
  running.child.kill('SIGKILL');
  await running.ended;
}

async function forSeconds(seconds: number, deed: () => Promise<void>): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) await deed();
}
