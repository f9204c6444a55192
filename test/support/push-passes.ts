import { execFileSync } from 'node:child_process';
import { VALUE } from './commit-cases.ts';
import { clone, type PushCase, pushing, shared } from './pushing.ts';
import { Repository } from './repository.ts';

export const MAY_PASS: readonly PushCase[] = [
  {
    name: 'a clean commit',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: 'b\n', 'sub/file': 'c\n' });
      return pushing(repo);
    },
  },
  {
    name: 'nothing new',
    prepare: (repo) => {
      shared(repo);
      return pushing(repo);
    },
  },
  {
    name: 'a removal',
    prepare: (repo) => {
      shared(repo);
      repo.do('push', '-q', 'origin', 'main:gone');
      return pushing(repo, 'origin', ':gone');
    },
  },
  {
    name: 'what takes a value out that the other side has',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ file: `${VALUE}\n`, other: 'a\n' });
      repo.do('push', '-q');
      repo.commit({ file: 'clean\n' });
      return pushing(repo);
    },
  },
  {
    name: 'a new branch on what the other side has',
    prepare: (repo) => {
      shared(repo);
      repo.commit({ other: VALUE });
      repo.commit({ other: 'clean\n' });
      repo.do('push', '-q');
      repo.do('checkout', '-qb', 'new');
      repo.commit({ file: 'b\n' });
      return pushing(repo, 'origin', 'new');
    },
  },
  {
    name: 'with a value in a commit that stays here',
    prepare: (repo) => {
      shared(repo);
      repo.do('branch', 'clean');
      repo.commit({ file: VALUE });
      repo.write('untracked', VALUE);
      return pushing(repo, 'origin', 'clean');
    },
  },
  {
    name: 'a submodule',
    prepare: (repo) => {
      shared(repo);
      const inner = new Repository(repo.sandbox, `${repo.folder}/inner`);
      const commit = inner.commit({ file: VALUE });
      repo.do('update-index', '--add', '--cacheinfo', `160000,${commit},inner`);
      repo.do('commit', '-qm', 'inner');
      return pushing(repo, '--recurse-submodules=no');
    },
  },
  {
    name: 'from a shallow clone',
    prepare: (repo) => {
      const remote = shared(repo);
      repo.commit({ file: 'b\n' });
      repo.do('push', '-q');
      const shallow = clone(repo, `file://${remote}`, '--depth=1');
      shallow.commit({ other: 'c\n' });
      return pushing(shallow);
    },
  },
  {
    name: 'from a partial clone',
    prepare: (repo) => {
      const remote = shared(repo);
      repo.commit({ 'sub/deep/old': 'b\n', file: 'older\n' });
      repo.commit({ file: 'newer\n' });
      repo.do('push', '-q');
      execFileSync('git', ['-C', remote, 'config', 'uploadpack.allowFilter', 'true']);
      const partial = clone(repo, `file://${remote}`, '--filter=blob:none');
      partial.do('checkout', '-qb', 'new');
      partial.commit({ other: 'c\n' });
      return pushing(partial, 'origin', 'new');
    },
  },
  {
    name: 'from a SHA-256 repository',
    init: ['--object-format=sha256'],
    prepare: (repo) => {
      shared(repo, '--object-format=sha256');
      repo.commit({ file: 'b\n' });
      return pushing(repo);
    },
  },
  {
    name: 'a tag on what the other side has',
    prepare: (repo) => {
      shared(repo);
      repo.do('tag', 'v1');
      repo.do('tag', '-a', '-m', 'clean', 'v2');
      return pushing(repo, 'origin', 'v1', 'v2');
    },
  },
];
