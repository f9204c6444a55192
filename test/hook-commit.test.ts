import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMITS, type CommitCase, SLASHED, staged, VALUE } from './support/commit-cases.ts';
import { MESSAGES } from './support/message-cases.ts';
import { Repository } from './support/repository.ts';
import { Sandbox } from './support/sandbox.ts';

const MUST_BLOCK = [...COMMITS, ...MESSAGES];

let box: Sandbox;
let made = 0;

beforeAll(async () => {
  box = await Sandbox.withSecrets({ 'db/password': VALUE, 'two/parts': SLASHED });
});
afterAll(() => box.remove());

const repository = (...init: string[]): Repository => {
  made += 1;
  return new Repository(box, `r${made}`, { init });
};

describe('a commit is stopped that would contain a value', () => {
  it.each(MUST_BLOCK)('$name', async ({ commit, init = [], says }) => {
    const { status, stderr, stdout } = await commit(repository(...init).guard());
    const said = stderr.toString();
    expect({ status, said }).toEqual({
      status: 1,
      said: expect.stringMatching(/^hasp: (?:db\/password|two\/parts) in /m),
    });
    if (says !== undefined) expect(said).toMatch(says);
    for (const value of [VALUE, SLASHED]) expect(said + stdout.toString()).not.toContain(value);
  });
});

describe('without the hooks the same commit is made', () => {
  it.each(MUST_BLOCK)('$name', async ({ commit, init = [] }) => {
    const { status, stderr } = await commit(repository(...init));
    expect({ status, said: stderr.toString() }).toMatchObject({ status: 0 });
  });
});

const MAY_PASS: readonly CommitCase[] = [
  { name: 'nothing of the kind', commit: staged({ file: 'a\n', 'sub/file': 'b\n' }) },
  {
    name: 'only in the work tree',
    commit: (repo) => {
      repo.write('file', 'a\n');
      repo.do('add', 'file');
      repo.write('file', VALUE);
      repo.write('untracked', VALUE);
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'only in the last commit, and deleted',
    commit: (repo) => {
      repo.commit({ file: VALUE, [VALUE]: 'x\n', kept: 'a\n' });
      repo.do('rm', '-q', 'file', VALUE);
      return repo.git(['commit', '-qm', 'less']);
    },
  },
  {
    name: 'only in what another file loses',
    commit: (repo) => {
      repo.commit({ file: `a\n${VALUE}\nb\n` });
      return staged({ file: 'a\nb\n' })(repo);
    },
  },
  {
    name: 'a submodule',
    commit: (repo) => {
      const inner = new Repository(box, `${repo.folder}/inner`);
      const commit = inner.commit({ file: VALUE });
      repo.do('update-index', '--add', '--cacheinfo', `160000,${commit},inner`);
      return repo.git(['commit', '-qm', 'more']);
    },
  },
  {
    name: 'what is to be added later',
    commit: (repo) => {
      repo.commit({ file: 'a\n' });
      repo.write('later', VALUE);
      repo.do('add', '-N', 'later');
      return repo.git(['commit', '-q', '--allow-empty', '-m', 'more']);
    },
  },
  {
    name: 'what lies before the last commit',
    commit: (repo) => {
      repo.commit({ file: VALUE });
      return staged({ other: 'a\n' })(repo);
    },
  },
  { name: 'an empty first commit', commit: (repo) => repo.git(['commit', '-q', '--allow-empty', '-m', 'more']) },
  {
    name: 'in the diff that commit -v shows, of a line that goes',
    commit: (repo) => {
      repo.commit({ file: `a\n${VALUE}\n` });
      repo.write('file', 'a\n');
      return repo.git(['commit', '-qva'], { env: { GIT_EDITOR: `sh -c 'sed -i "1i less" "$1"' sh` } });
    },
  },
  {
    name: 'in a comment of the message that git takes out',
    commit: (repo) => {
      repo.commit({ [VALUE]: 'a\n', kept: 'a\n' });
      repo.do('rm', '-q', VALUE);
      return repo.git(['commit', '-q'], { env: { GIT_EDITOR: `sh -c 'sed -i "1i less" "$1"' sh` } });
    },
  },
  {
    name: 'on an orphan branch of an odd name',
    commit: (repo) => {
      repo.commit({ file: VALUE });
      repo.do('checkout', '-q', '--orphan', 'or-phan.x');
      repo.do('rm', '-rfq', '.');
      mkdirSync(repo.folder, { recursive: true });
      return staged({ other: 'a\n' })(repo);
    },
  },
];

describe('a commit is made that contains no value', () => {
  it.each(MAY_PASS)('$name', async ({ commit, init = [] }) => {
    const { status, stderr } = await commit(repository(...init).guard());
    expect({ status, said: stderr.toString() }).toEqual({ status: 0, said: '' });
  });
});
