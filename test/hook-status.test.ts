import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VALUE } from './support/commit-cases.ts';
import { Repository, snapshot } from './support/repository.ts';
import { HASP, type Outcome, Sandbox } from './support/sandbox.ts';

let box: Sandbox;
let made = 0;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE });
});
afterAll(() => box.remove());

const repository = (folder?: string): Repository => {
  made += 1;
  return new Repository(box, folder ?? `r${made}`);
};
const hasp = (repo: Repository, ...argv: string[]): Promise<Outcome> =>
  box.run(['hook', ...argv], { cwd: repo.folder });
async function install(repo: Repository, ...argv: string[]): Promise<string> {
  const { status, stderr } = await hasp(repo, 'install', ...argv);
  expect({ status, said: stderr.toString() }).toMatchObject({ status: 0 });
  return stderr.toString();
}

describe('hasp hook status', () => {
  it('is not content with a hook that is missing, can not be executed, asks nobody, or lets everything through', async () => {
    const repo = repository();
    expect((await hasp(repo, 'status')).status).toBe(6);
    await install(repo);
    const answer = await box.json<{ ok: boolean; hooks: { hook: string; blocks: boolean }[] }>(['hook', 'status'], {
      cwd: repo.folder,
    });
    expect([answer.ok, answer.hooks.map(({ blocks }) => blocks)]).toEqual([true, [true, true, true]]);
    for (const hook of ['pre-commit', 'commit-msg', 'pre-push']) {
      const file = path.join(repo.folder, '.git/hooks', hook);
      const guard = readFileSync(file);
      chmodSync(file, 0o644);
      expect((await hasp(repo, 'status')).status).toBe(6);
      for (const text of [
        '#!/bin/sh\nexit 0\n',
        '#!/bin/sh\nexit 1\n',
        '#!/no/such\n',
        `#!/bin/sh\n'${HASP}' hook ${hook} "$@" || true\n`,
      ]) {
        writeFileSync(file, text);
        chmodSync(file, 0o755);
        const { status, stdout } = await hasp(repo, 'status');
        expect([text, status, stdout.toString()]).toEqual([
          text,
          6,
          expect.stringMatching(new RegExp(`^${hook} +not blocked`, 'm')),
        ]);
      }
      writeFileSync(file, guard);
    }
  });

  it('leaves nothing behind, in the repository, in the work tree, in the log', async () => {
    const repo = repository();
    repo.commit({ file: 'a\n' });
    repo.write('file', 'changed\n');
    await install(repo);
    const before = [snapshot(repo.folder), (await box.log()).length];
    expect((await hasp(repo, 'status')).status).toBe(0);
    expect([snapshot(repo.folder), (await box.log()).length]).toEqual(before);
  });
});
